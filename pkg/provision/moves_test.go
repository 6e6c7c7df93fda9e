package provision_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// Two ways in which a group cannot be deleted, for ever, and a cloud that does as it is told.
const (
	refusesDeletion = `{"rules":[{"match":{"method":"DELETE","path":"/instanceGroupManagers/demo-mig$"},"fault":{"error":{"status":400,"reason":"badRequest","message":"The group is frozen."}}}]}`
	failsDeletion   = `{"rules":[{"match":{"method":"DELETE","path":"/instanceGroupManagers/demo-mig$"},"fault":{"failOperation":{"code":"CONDITION_NOT_MET","message":"The group is frozen.","httpStatus":412}}}]}`
	obeys           = `{"rules":[]}`
)

func (c *cloud) strike(t *testing.T, faults string) {
	t.Helper()
	plan, err := emulator.ParseFaultPlan([]byte(faults))
	if err == nil {
		err = c.em.SetFaults(plan)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func groupIn(zone string) string {
	return "//compute.googleapis.com/projects/" + project + "/zones/" + zone + "/instanceGroupManagers/demo-mig"
}

// groups lists the zones in which there is a group.
func (c *cloud) groups() []string {
	c.tb.Helper()
	var out []string
	for _, name := range c.left() {
		if _, rest, ok := strings.Cut(name, "/zones/"); ok && strings.HasSuffix(rest, "/instanceGroupManagers/demo-mig") {
			out = append(out, strings.TrimSuffix(rest, "/instanceGroupManagers/demo-mig"))
		}
	}
	return out
}

// recorded lists the zones of all that the record of the group stands for.
func (c *cloud) recorded(ctx context.Context, t *testing.T) []string {
	t.Helper()
	m, _, err := c.engine(ctx, c.em.Transport(), 1).Store.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := m.Find("mig/mig")
	ids := []string{r.ID}
	for _, f := range r.Former {
		ids = append(ids, f.ID)
	}
	var out []string
	for _, id := range ids {
		_, rest, _ := strings.Cut(id, "/zones/")
		zone, _, _ := strings.Cut(rest, "/")
		out = append(out, zone)
	}
	slices.Sort(out)
	return out
}

// failing runs a create that must have done a part, and end with the cloud's own words.
func failing(ctx context.Context, t *testing.T, c *cloud, zone string) {
	t.Helper()
	_, err := c.engineIn(ctx, zone).Create(ctx, settings(t, "ZONE="+zone), nil)
	if partial := (*provision.PartialError)(nil); !errors.As(err, &partial) || !strings.Contains(err.Error(), "The group is frozen.") {
		t.Errorf("to %s: exit code %d: %v", zone, provision.ExitCode(err), err)
	}
}

const zoneA, zoneB, zoneC = "us-central1-a", "us-central1-b", "us-central1-c"

func TestAGroupThatCannotBeDeletedIsNotForgottenByAMove(t *testing.T) {
	for how, faults := range map[string]string{"the deletion is refused": refusesDeletion, "its operation fails": failsDeletion} {
		t.Run(how, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c)
				c.strike(t, faults)
				failing(ctx, t, c, zoneB)
				lines := c.statusOf(ctx, t, zoneB)
				want := []string{groupIn(zoneA) + " doomed: of an earlier run, still to be deleted", groupIn(zoneB) + " intended: missing"}
				if diff := cmp.Diff(want, lines); diff != "" {
					t.Errorf("status: %s", diff)
				}
				p, err := c.engineIn(ctx, zoneB).Plan(ctx, settings(t, "ZONE="+zoneB))
				if err != nil {
					t.Fatal(err)
				}
				if i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return string(s.Target) == groupIn(zoneA) }); i < 0 || p.Steps[i].Action != plan.Delete || !p.Steps[i].Former {
					t.Errorf("the plan does not delete what the address stood for: %s", p.Text())
				}
				if text := p.Text(); !strings.Contains(text, "- delete  mig/mig") || !strings.Contains(text, "an earlier run has put another in its place") {
					t.Errorf("the plan does not say it: %s", text)
				}
				c.strike(t, obeys)
				create(ctx, t, c, "ZONE="+zoneB)
				if diff := cmp.Diff([]string{zoneB}, c.groups()); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff([]string{zoneB}, c.recorded(ctx, t)); diff != "" {
					t.Error(diff)
				}
				destroy(ctx, t, c)
			})
		})
	}
}

// statusOf gives the lines about the group, sorted.
func (c *cloud) statusOf(ctx context.Context, t *testing.T, zone string) []string {
	t.Helper()
	st, err := c.engineIn(ctx, zone).Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range st.Resources {
		if r.Address == "mig/mig" {
			out = append(out, r.ID+" "+string(r.Recorded)+": "+r.Live)
		}
	}
	slices.Sort(out)
	if got := st.Manifest.Summary(); got != "partial" {
		t.Errorf("the deployment is said to be %s", got)
	}
	return out
}

// Whatever zone a destroy is given, it removes everything, wherever the deployment has been.
func TestADestroyGoesByTheRecordsNotByTheZone(t *testing.T) {
	for _, zone := range []string{zoneA, zoneB} {
		for when, lift := range map[string]bool{"after a move that failed": false, "after a move": true} {
			t.Run(when+", given "+zone, func(t *testing.T) {
				inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
					create(ctx, t, c, networks()...)
					c.strike(t, refusesDeletion)
					to := append(networks(), "ZONE="+zoneB)
					if _, err := c.engineIn(ctx, zoneB).Create(ctx, settings(t, to...), nil); provision.ExitCode(err) != provision.CodeFailed {
						t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
					}
					_, err := c.engineIn(ctx, zone).Destroy(ctx, nil)
					if !errors.As(err, new(*provision.PartialError)) || !strings.Contains(err.Error(), "The group is frozen.") {
						t.Errorf("a destroy that could not delete the group: %v", err)
					}
					c.strike(t, obeys)
					if lift {
						create(ctx, t, c, to...)
					}
					if _, err := c.engineIn(ctx, zone).Destroy(ctx, nil); err != nil {
						t.Error(err)
					}
					if left := c.left(); len(left) > 0 {
						t.Errorf("left: %v", left)
					}
				})
			})
		}
	}
}

// Groups that cannot be deleted while a deployment moves about: each that there is stays recorded, and the end is as it should be.
func TestMovingToAndFroWhileNothingCanBeDeleted(t *testing.T) {
	for name, tc := range map[string]struct {
		moves []string
		stay  bool // the last move comes home to a group that is still there
	}{
		"there and back":          {[]string{zoneB, zoneA}, true},
		"there, on and back":      {[]string{zoneB, zoneC, zoneA}, true},
		"there, back and there":   {[]string{zoneB, zoneA, zoneB}, false},
		"to one and to the other": {[]string{zoneB, zoneC}, false},
	} {
		for end, finish := range map[string]bool{"create": true, "destroy": false} {
			t.Run(name+", then "+end, func(t *testing.T) {
				inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
					create(ctx, t, c)
					c.strike(t, refusesDeletion)
					last := ""
					for i, zone := range tc.moves {
						last = zone
						if home := zone == zoneA; home {
							if report := create(ctx, t, c, "ZONE="+zone); countSteps(report, plan.Create) > 0 {
								t.Errorf("move %d: something was made although the group of %s is there: %+v", i, zone, report.Steps)
							}
						} else {
							failing(ctx, t, c, zone)
						}
						for _, g := range c.groups() {
							if !slices.Contains(c.recorded(ctx, t), g) {
								t.Errorf("move %d: the group in %s runs and is not recorded", i, g)
							}
						}
					}
					c.strike(t, obeys)
					if finish {
						if report := create(ctx, t, c, "ZONE="+last); tc.stay != report.Nothing {
							t.Errorf("the last create: %s", report.Summary)
						}
						if diff := cmp.Diff([]string{last}, c.groups()); diff != "" {
							t.Error(diff)
						}
					}
					destroy(ctx, t, c)
				})
			})
		}
	}
}

func countSteps(r *provision.Report, a plan.Action) (n int) {
	for _, s := range r.Steps {
		if s.Action == a {
			n++
		}
	}
	return n
}

// A deletion that failed is asked for with another request id: the same would only hear of the failure again.
func TestADeletionThatFailedIsAskedForAnew(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		c.strike(t, failsDeletion)
		failing(ctx, t, c, zoneB)
		first := c.formerRequest(ctx, t)
		failing(ctx, t, c, zoneB)
		if second := c.formerRequest(ctx, t); first == "" || second == first {
			t.Errorf("the request ids are %q and %q", first, second)
		}
		c.strike(t, obeys)
		destroy(ctx, t, c)
	})
}

func (c *cloud) formerRequest(ctx context.Context, t *testing.T) string {
	t.Helper()
	m, _, err := c.engine(ctx, c.em.Transport(), 1).Store.Load(ctx)
	r, _ := m.Find("mig/mig")
	if err != nil || len(r.Former) != 1 || r.Former[0].Error == "" || r.Status != state.Intended {
		t.Fatalf("%v: the record is %+v", err, r)
	}
	return r.Former[0].RequestID
}
