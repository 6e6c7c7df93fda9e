package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Cloud is what all services share.
type Cloud struct {
	Options
	// Ledger has all operations.
	Ledger *operations.Ledger

	scale    float64
	world    *world.World
	faults   atomic.Pointer[faults.Active]
	services map[string]Service
	sorted   []Service
	servers  map[string]*Server
}

// New opens the world and all services in it.
func New(opt Options, services []Service) (*Cloud, error) {
	c := &Cloud{
		Options: opt, Ledger: operations.NewLedger(), scale: opt.TimeScale, services: map[string]Service{}, servers: map[string]*Server{},
	}
	if !(c.scale > 0) {
		c.scale = 1
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.SetFaults(opt.Faults); err != nil {
		return nil, err
	}
	events := map[string]world.Handler{operations.Event: c.Ledger.Finish}
	for _, s := range services {
		if err := c.open(s, events); err != nil {
			return nil, err
		}
	}
	for _, host := range slices.Sorted(maps.Keys(c.services)) {
		c.sorted = append(c.sorted, c.services[host])
	}
	var err error
	if c.world, err = world.Open(opt.Dir, events); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cloud) open(s Service, events map[string]world.Handler) error {
	if _, twice := c.services[s.Host]; twice {
		return fmt.Errorf("emulator: two services are %s", s.Host)
	}
	server, err := s.Open(c)
	if err != nil {
		return err
	}
	c.services[s.Host], c.servers[s.Host] = s, server
	for name, h := range server.Events {
		if _, twice := events[name]; twice {
			return fmt.Errorf("emulator: two services have events named %s", name)
		}
		events[name] = h
	}
	for kind, life := range server.Lives {
		if err := c.Ledger.Live(kind, life); err != nil {
			return err
		}
	}
	for kind, closer := range server.Operations {
		if err := c.Ledger.Speak(kind, closer); err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of the directory.
func (c *Cloud) Close() error { return c.world.Close() }

// SetFaults replaces the fault plan; nil ends all faults.
func (c *Cloud) SetFaults(plan *faults.Plan) error {
	f, err := faults.Activate(plan, c.Seed)
	if err != nil {
		return err
	}
	c.faults.Store(f)
	return nil
}

// Strike asks the fault plan about a call, or about something that happens as a call does.
func (c *Cloud) Strike(method, path string) faults.Effect {
	return c.faults.Load().Strike(method, path)
}

// Services gives all services, sorted by host. The list is not the caller's to change.
func (c *Cloud) Services() []Service { return c.sorted }

// Serve hands a call to its service. An error means that the connection broke.
func (c *Cloud) Serve(ctx context.Context, r *wire.Request, fx faults.Effect) (*wire.Response, error) {
	s, ok := c.servers[r.Service]
	if !ok {
		return c.Refuse(r, wire.NotEmulated(r)), nil
	}
	return s.Serve(ctx, r, fx)
}

// Refuse writes a refusal as the service of a call does.
func (c *Cloud) Refuse(r *wire.Request, f wire.APIError) *wire.Response {
	if s, ok := c.services[r.Service]; ok {
		return s.Refuse(r, f)
	}
	return wire.RPC(r, f)
}

// Carry carries out a call in the world. What f gives is rendered before anybody else can change it, so nothing leaves the world
// but bytes. f may give a *wire.Response of its own, or anything with a JSON form; a wire.APIError and wire.ErrNotEmulated
// become refusals; any other error breaks the connection.
func (c *Cloud) Carry(r *wire.Request, f func(*world.Tx) (any, error)) (*wire.Response, error) {
	var resp *wire.Response
	err := c.world.Do(time.Now(), func(tx *world.Tx) error {
		result, err := f(tx)
		if err != nil {
			return err
		}
		var ready bool
		if resp, ready = result.(*wire.Response); !ready {
			resp = wire.Reply(200, result)
		}
		return nil
	})
	var refused wire.APIError
	switch {
	case errors.As(err, &refused):
		return c.Refuse(r, refused), nil
	case errors.Is(err, wire.ErrNotEmulated):
		return c.Refuse(r, wire.NotEmulated(r)), nil
	case err != nil:
		return nil, err
	}
	return resp, nil
}

// WaitOperation holds a call until the operation of a name is done, for at most so long of emulated time.
func (c *Cloud) WaitOperation(ctx context.Context, name string, longest time.Duration) error {
	return c.Ledger.Wait(ctx, c.world, name, c.Scaled(longest))
}

// Wait lets emulated time pass.
func (c *Cloud) Wait(ctx context.Context, d time.Duration) error {
	if d = c.Scaled(d); d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Scaled is how much of the process's time an emulated duration takes.
func (c *Cloud) Scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / c.scale) }

// Takes is how long the n-th thing of a kind takes, in emulated time.
func (c *Cloud) Takes(kind string, n int64) time.Duration { return c.Latency.Duration(kind, c.Seed, n) }

// Draw is how long a thing of a kind takes now, in the process's time.
func (c *Cloud) Draw(tx *world.Tx, kind string) time.Duration {
	return c.Scaled(c.Takes(kind, tx.Count()))
}
