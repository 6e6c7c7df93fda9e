package provision_test

import (
	"context"
	"net/http"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// deadError is what every call of a dead process gets.
type deadError struct{}

func (deadError) Error() string          { return "the process is dead" }
func (deadError) Class() resources.Class { return resources.ClassFatal }

// mortal is the transport of a process that dies at its k-th effect: just before it, or just after it and before the answer.
type mortal struct {
	next  http.RoundTripper
	at    int
	after bool
	die   context.CancelFunc

	mu   sync.Mutex
	seen int
	dead bool
	last string // path of the effect at which it died
}

func (m *mortal) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	dead := m.pass(changing(r.Method, r.URL.Path), r.Method+" "+r.URL.Path, func() { resp, err = m.next.RoundTrip(r) })
	if dead != nil {
		if resp != nil {
			_ = resp.Body.Close() // the emulator's answers are in memory
		}
		return nil, dead
	}
	return resp, err
}

// pass does something unless the process is dead, or dies of it.
func (m *mortal) pass(effect bool, what string, do func()) error {
	m.mu.Lock()
	if effect {
		m.seen++
	}
	dying := effect && m.seen == m.at
	m.dead = m.dead || dying && !m.after
	dead := m.dead
	if dying {
		m.last = what
	}
	m.mu.Unlock()
	if !dead {
		do()
	}
	if dead || dying {
		m.mu.Lock()
		m.dead = true
		m.mu.Unlock()
		m.die()
		return deadError{}
	}
	return nil
}

// forgetful is a store that records outcomes only: no intents. It is a control: a sweep that finds no leak there proves
// nothing.
type forgetful struct{ provision.Store }

func (s forgetful) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	m = m.Clone()
	kept := m.Resources[:0:0]
	for _, r := range m.Resources {
		if r.Status == state.Ready {
			kept = append(kept, r)
		}
	}
	m.Resources = kept
	return s.Store.Save(ctx, m, v)
}

// presentist is a store that keeps one id an address: what the address stood for before is forgotten. It is the other control.
type presentist struct{ provision.Store }

func (s presentist) Save(ctx context.Context, m state.Manifest, v state.Version) (state.Version, error) {
	m = m.Clone()
	for i := range m.Resources {
		m.Resources[i].Former = nil
	}
	return s.Store.Save(ctx, m, v)
}
