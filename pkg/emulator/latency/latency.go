package latency

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// Triple is how long something takes, in seconds: about the 5th percentile, the usual, about the 95th.
type Triple struct{ Low, Typical, High float64 }

// Profile tells how long each kind of operation takes. The zero value takes no time.
type Profile struct {
	Name  string            `json:"name"`
	Kinds map[string]Triple `json:"kinds"` // "compute_network.create" …; a kind that is missing takes no time
	// Spread draws each duration between low and high. Without it every operation takes its typical time.
	Spread bool `json:"spread"`
}

// Named gives "off", "typical" (every operation takes its usual time), "slow" (the high estimate and 30 % on top), or the
// profile in a JSON file of that name, in the form of Profile. typical is the table of usual times, by kind.
func Named(name string, typical map[string]Triple) (Profile, error) {
	switch name {
	case "", "off":
		return Profile{Name: "off"}, nil
	case "typical":
		return Profile{Name: name, Kinds: typical}, nil
	case "slow":
		slow := make(map[string]Triple, len(typical))
		for k, t := range typical {
			slow[k] = Triple{t.High, t.High * 1.3, t.High * 1.3}
		}
		return Profile{Name: name, Kinds: slow}, nil
	}
	raw, err := os.ReadFile(name) //nolint:gosec // the user names the file
	if err != nil {
		return Profile{}, fmt.Errorf("latency profile %q is neither off, typical, slow nor a readable file: %w", name, err)
	}
	p := Profile{Name: name}
	if err := json.Unmarshal(raw, &p); err != nil {
		return Profile{}, fmt.Errorf("latency profile %s: %w", name, err)
	}
	return p, nil
}

// Duration is how long the n-th thing takes. It is the same for the same seed, kind and number.
func (p Profile) Duration(kind string, seed uint64, n int64) time.Duration {
	t, ok := p.Kinds[kind]
	if !ok {
		return 0
	}
	seconds := t.Typical
	if p.Spread {
		seconds = triangular(t, draws.Uniform(seed, kind, n))
	}
	return time.Duration(seconds * float64(time.Second))
}

// triangular is the inverse of the triangular distribution's cumulative function.
func triangular(t Triple, u float64) float64 {
	span := t.High - t.Low
	if span <= 0 {
		return t.Typical
	}
	if cut := (t.Typical - t.Low) / span; u < cut {
		return t.Low + math.Sqrt(u*span*(t.Typical-t.Low))
	}
	return t.High - math.Sqrt((1-u)*span*(t.High-t.Typical))
}
