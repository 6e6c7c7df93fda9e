package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// destroyOptions are the options of destroy.
type destroyOptions struct {
	common
	Ask, Sweep bool
}

func (p *program) destroyCommand(run runF[destroyOptions]) *cli.Command {
	return command(p, about{
		name: "destroy", usage: "remove everything that the deployment owns", needs: mandatory(), example: exampleOf("destroy"),
		own: []cli.Flag{askFlag(), &cli.BoolFlag{Name: "sweep", Usage: "also remove what carries the deployment's mark and is not in its manifest"}},
	}, func(c *cli.Context) (destroyOptions, error) {
		o, err := p.common(c)
		return destroyOptions{common: o, Ask: c.Bool("ask"), Sweep: c.Bool("sweep")}, err
	}, run)
}

func (p *program) destroy(ctx context.Context, o destroyOptions) (outcome, error) {
	return p.withTarget(ctx, o.common, config.LoadTarget, func(d *deps) (outcome, error) { return runDestroy(ctx, o, d) })
}

func runDestroy(ctx context.Context, o destroyOptions, d *deps) (outcome, error) {
	report, err := d.engine.Destroy(ctx, o.Sweep, d.approve(o.Ask))
	out := outcome{value: report}
	if err == nil {
		out.text = report.Text()
	}
	return out, err
}

// unlockOptions are the options of unlock.
type unlockOptions struct {
	common
	Yes bool
}

func (p *program) unlockCommand(run runF[unlockOptions]) *cli.Command {
	return command(p, about{
		name: "unlock", usage: "remove another run's lease after showing who holds it", needs: mandatory(), example: exampleOf("unlock"),
		own: []cli.Flag{&cli.BoolFlag{Name: "yes", Usage: "do not ask"}},
	}, func(c *cli.Context) (unlockOptions, error) {
		o, err := p.common(c)
		return unlockOptions{common: o, Yes: c.Bool("yes")}, err
	}, run)
}

func (p *program) unlock(ctx context.Context, o unlockOptions) (outcome, error) {
	return p.withTarget(ctx, o.common, config.LoadTarget, func(d *deps) (outcome, error) { return runUnlock(ctx, o, d) })
}

// unlocked is the result of unlock.
type unlocked struct {
	Removed bool          `json:"removed"`
	Holder  *state.Holder `json:"holder,omitempty"` // who held it
}

func runUnlock(ctx context.Context, o unlockOptions, d *deps) (outcome, error) {
	var seen unlocked
	err := d.engine.Unlock(ctx, func(h state.Holder) (bool, error) {
		seen.Holder = &h
		fmt.Fprintln(d.out.stderr, holderText(h, h.Ended(time.Now())))
		if o.Yes {
			return true, nil
		}
		return d.confirm("remove this lease? a run that still works would lose it")
	})
	seen.Removed = err == nil && seen.Holder != nil
	return outcome{value: seen}, err
}

// holderText says on one line who holds a lease, and why he holds it no more, if that is known. Its words are somebody else's.
func holderText(h state.Holder, ended string) string {
	text := fmt.Sprintf("%s by %s on %s (pid %d), since %s, last heartbeat %s, until %s", h.Action, h.Owner, h.Host, h.PID, stamp(h.Since), stamp(h.Beat), stamp(h.Until))
	if ended != "" {
		text = "held by nobody: that of " + text + ", is over: " + ended + "; the next run takes it over"
	}
	return progress.OneLine(text)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
