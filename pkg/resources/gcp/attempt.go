package gcp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// attempting limits one attempt and reads its answer to the end, so that a server that falls silent in the middle of an answer
// is noticed as one that never answers. What is downloaded as media is handed on as it comes.
type attempting struct {
	next   http.RoundTripper
	scaled func(time.Duration) time.Duration
}

func (t attempting) limit(r *http.Request) time.Duration {
	d := callLimit
	if isLong(r) {
		d = waitLimit
	}
	return max(t.scaled(d), leastLimit)
}

// RoundTrip makes one attempt.
func (t attempting) RoundTrip(r *http.Request) (*http.Response, error) {
	limit := t.limit(r)
	ctx, cancel := context.WithCancelCause(r.Context())
	clock := &watch{limit: limit, cancel: cancel}
	clock.timer = time.AfterFunc(limit, func() { cancel(&silentError{limit}) })
	out := r.Clone(ctx)
	if out.Body != nil && out.Body != http.NoBody {
		out.Body = &watched{ReadCloser: out.Body, clock: clock, ctx: ctx, parent: r.Context()}
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		err = why(ctx, r.Context(), err)
		clock.end()
		return nil, err
	}
	resp.Request = r
	body := &watched{ReadCloser: resp.Body, clock: clock, ctx: ctx, parent: r.Context()}
	if resp.StatusCode < 300 && isMedia(r) {
		body.last = true
		resp.Body = body
		return resp, nil
	}
	data, err := io.ReadAll(body)
	if closed := resp.Body.Close(); err == nil && closed != nil {
		err = why(ctx, r.Context(), closed)
	}
	clock.end()
	if err != nil {
		return nil, err
	}
	resp.Body = &wholeBody{Reader: bytes.NewReader(data), data: data}
	return resp, nil
}

// why names the true reason of a failed attempt: the caller's end before our limit, and never a context's cause, which may be
// the error of another call.
func why(attempt, caller context.Context, err error) error {
	if ended := caller.Err(); ended != nil {
		return ended
	}
	if attempt.Err() != nil {
		return context.Cause(attempt) // ours
	}
	return err
}

// watch is the limit of one attempt. Every byte that moves winds it up again.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// watched is a body whose progress keeps an attempt alive.
type watched struct {
	io.ReadCloser
	clock  *watch
	ctx    context.Context //nolint:containedctx // a body outlives the call that gave it, as in net/http
	parent context.Context //nolint:containedctx // likewise
	last   bool            // closing it ends the attempt
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.clock.timer.Reset(b.clock.limit)
	}
	if err != nil && err != io.EOF { //nolint:errorlint // readers give io.EOF itself
		err = why(b.ctx, b.parent, err)
	}
	return n, err
}

func (b *watched) Close() error {
	if b.last {
		b.clock.end()
	}
	return b.ReadCloser.Close()
}

// wholeBody is an answer that has been read.
type wholeBody struct {
	*bytes.Reader
	data []byte
}

// Close has nothing to do.
func (*wholeBody) Close() error { return nil }
