package front

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/calls"
	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// Front takes the calls of a cloud.
type Front struct {
	cloud *cloud.Cloud
	calls *calls.Log
	n     atomic.Int64
}

// Open gives the front of a cloud, with the log of calls in dir, or in memory for "".
func Open(c *cloud.Cloud, dir string) (*Front, error) {
	log, err := calls.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Front{cloud: c, calls: log}, nil
}

// Close lets go of the log of calls.
func (f *Front) Close() error { return f.calls.Close() }

// Calls gives all calls so far, in the order in which they ended; with a directory those of every process that used it.
func (f *Front) Calls() ([]calls.Call, error) { return f.calls.Calls() }

// do carries out one call. An error means that the connection broke.
func (f *Front) do(ctx context.Context, r *wire.Request) (*wire.Response, error) {
	override(r)
	r.N = f.n.Add(1)
	start := time.Now()
	resp, err := f.perform(ctx, r)
	status := 0
	if resp != nil {
		status = resp.Status
	}
	f.cloud.Log.Debug("emulated call", "method", r.Method, "path", r.Prefixed(), "status", status)
	f.calls.Add(calls.Call{
		Method: r.Method, Path: r.Prefixed(), Status: status, Start: start.UTC(), End: time.Now().UTC(), Ignored: r.Ignored,
	})
	return resp, err
}

func (f *Front) perform(ctx context.Context, r *wire.Request) (*wire.Response, error) {
	fx := f.cloud.Strike(r.Method, r.Prefixed())
	if err := f.hook(cloud.Before, r); err != nil {
		return nil, err
	}
	if err := f.cloud.Wait(ctx, f.cloud.Takes("rest", r.N)+fx.Delay); err != nil {
		return nil, err
	}
	switch {
	case fx.Drop:
		return nil, fmt.Errorf("connection dropped before the call was carried out (fault plan): %w", errDropped)
	case fx.Raw != nil:
		return raw(fx.Raw), nil
	case fx.Fail != nil:
		return f.cloud.Refuse(r, cloud.Planned(fx.Fail)), nil
	}
	serve := func() (*wire.Response, error) { return f.cloud.Serve(ctx, r, fx) }
	if s, ok := f.batching(r); ok {
		serve = func() (*wire.Response, error) { return f.batch(ctx, s, r) }
	}
	if err := f.inflate(r); err != nil {
		serve = func() (*wire.Response, error) {
			return f.cloud.Refuse(r, wire.APIError{Code: http.StatusBadRequest, Reason: "badRequest", Message: "The body is not compressed as its Content-Encoding says."}), nil
		}
	}
	if refused, bad := checkMask(r); bad {
		serve = func() (*wire.Response, error) { return f.cloud.Refuse(r, refused), nil }
	}
	resp, err := serve()
	if err != nil {
		return nil, err
	}
	resp = dress(r, resp)
	if err := f.hook(cloud.After, r); err != nil {
		return nil, err
	}
	if fx.Lose {
		return nil, fmt.Errorf("connection dropped after the call was carried out (fault plan): %w", errDropped)
	}
	if fx.Cut {
		cut := *resp
		cut.Cut = true
		return &cut, nil
	}
	return resp, nil
}

// raw is an answer that no service has written.
func raw(a *faults.Answer) *wire.Response {
	h := http.Header{}
	h.Set("Content-Type", "text/html; charset=UTF-8")
	if a.ContentType != "" {
		h.Set("Content-Type", a.ContentType)
	}
	return &wire.Response{Status: a.Status, Header: h, Body: []byte(a.Body)}
}

func (f *Front) hook(phase cloud.Phase, r *wire.Request) error {
	if f.cloud.Hook == nil {
		return nil
	}
	return f.cloud.Hook(r.N, phase, r.Method, r.Prefixed())
}
