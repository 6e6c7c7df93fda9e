package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

func (p program) destroyCommand() *cli.Command {
	more := []cli.Flag{
		&cli.BoolFlag{Name: "ask", Usage: "show the plan and ask before anything is changed"},
		&cli.BoolFlag{Name: "sweep", Usage: "also remove what carries the deployment's mark and is not in its manifest"},
	}
	return command("destroy", "remove everything that the deployment owns", more, func(c *cli.Context) error {
		r, err := p.startTarget(c, config.LoadTarget)
		if err != nil {
			return err
		}
		defer r.close()
		r.engine.Sweep = c.Bool("sweep")
		report, err := r.engine.Destroy(c.Context, r.approve(c.Bool("ask")))
		r.result(report, report.Text(), err)
		return err
	})
}

func (p program) unlockCommand() *cli.Command {
	yes := &cli.BoolFlag{Name: "yes", Usage: "do not ask"}
	return command("unlock", "remove another run's lease after showing who holds it", []cli.Flag{yes}, func(c *cli.Context) error {
		r, err := p.startTarget(c, config.LoadTarget)
		if err != nil {
			return err
		}
		defer r.close()
		err = r.engine.Unlock(c.Context, func(h state.Holder) (bool, error) {
			fmt.Fprintf(r.stderr, "%s by %s on %s (pid %d), since %s, last heartbeat %s, until %s\n", h.Action, h.Owner, h.Host, h.PID,
				h.Since.UTC().Format(timeFormat), h.Beat.UTC().Format(timeFormat), h.Until.UTC().Format(timeFormat))
			if c.Bool("yes") {
				return true, nil
			}
			return r.confirm("remove this lease? a run that still works would lose it")
		})
		r.result(nil, "", err)
		return err
	})
}

const timeFormat = "2006-01-02 15:04:05Z"
