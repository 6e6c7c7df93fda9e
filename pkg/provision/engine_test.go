package provision_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// inWorld runs a test in virtual time on a world with usual latencies.
func inWorld(t *testing.T, opt emulator.Options, f func(ctx context.Context, t *testing.T, c *cloud)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opt.Latency = profile(t, "typical")
		f(t.Context(), t, newCloud(t, opt))
		waitVirtual(60) // a list that nobody waits for any more ends by the transport's limit
	})
}

func create(ctx context.Context, t *testing.T, c *cloud, more ...string) *provision.Report {
	t.Helper()
	report, err := c.engineIn(ctx, zoneOf(more)).Create(ctx, settings(t, more...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func destroy(ctx context.Context, t *testing.T, c *cloud) {
	t.Helper()
	if _, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil); err != nil {
		t.Error(err)
	}
	if left := c.left(); len(left) > 0 {
		t.Errorf("left: %s", strings.Join(left, "\n"))
	}
}

func TestTheSameSettingsAgainChangeNothing(t *testing.T) {
	for name, more := range map[string][]string{"default network": nil, "new network": networks()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				if first := create(ctx, t, c, more...); first.Nothing {
					t.Error("the first create says that nothing was to do")
				}
				before, stored := c.changes(), c.version(ctx)
				if second := create(ctx, t, c, more...); !second.Nothing {
					t.Errorf("the second create has done something: %s", second.Summary)
				}
				if diff := cmp.Diff(before, c.changes()); diff != "" {
					t.Errorf("the second create has changed something: %s", diff)
				}
				if now := c.version(ctx); now != stored {
					t.Errorf("the second create has written the manifest: version %d, then %d", stored, now)
				}
				destroy(ctx, t, c)
			})
		})
	}
}

func TestChangesOfAnExistingDeployment(t *testing.T) {
	own := []string{"NETWORK_CONFIG=new_network"}
	for name, tc := range map[string]struct {
		from, to []string
		want     []string // step ids, without the digests of templates
	}{
		"a resize is in place":             {nil, []string{"INSTANCE_COUNT=3"}, []string{"update mig/mig"}},
		"more than one group can hold":     {nil, []string{"INSTANCE_COUNT=1001"}, []string{"create mig/mig-1", "update mig/mig"}},
		"a machine type makes a template":  {nil, []string{"VM_TYPE=a2-highgpu-4g"}, []string{"create instancetemplate/vm", "update mig/mig", "delete instancetemplate/vm"}},
		"metadata makes a template":        {nil, []string{`METADATA={"a":"b"}`}, []string{"create instancetemplate/vm", "update mig/mig", "delete instancetemplate/vm"}},
		"from the default network to ours": {nil, own, []string{"create network/net", "create firewall/allow-iap-ssh", "create firewall/allow-internal", "create subnetwork/subnet", "create instancetemplate/vm", "update mig/mig", "delete instancetemplate/vm"}},
		"and back":                         {own, nil, []string{"create instancetemplate/vm", "update mig/mig", "delete firewall/allow-iap-ssh", "delete firewall/allow-internal", "delete instancetemplate/vm", "delete subnetwork/subnet", "delete network/net"}},
		"a NAT comes with no external IP":  {own, append(own, "EXTERNAL_IP=no"), []string{"create instancetemplate/vm", "create router/router", "update mig/mig", "delete instancetemplate/vm"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c, tc.from...)
				report := create(ctx, t, c, tc.to...)
				var got []string
				for _, s := range report.Steps {
					id := s.ID
					if before, _, ok := strings.Cut(id, "/vm-"); ok {
						id = before + "/vm"
					}
					got = append(got, id)
				}
				slices.Sort(got)
				slices.Sort(tc.want)
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
				if again := create(ctx, t, c, tc.to...); !again.Nothing {
					t.Errorf("not settled: %s", again.Summary)
				}
				destroy(ctx, t, c)
			})
		})
	}
}

func TestTheRangeIsChosenOnceAndMeetsNothing(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		first := create(ctx, t, c, networks()...)
		range1 := rangeOf(ctx, t, c)
		if range1 != "10.0.0.0/16" {
			t.Errorf("the first free range is 10.0.0.0/16, chosen was %s", range1)
		}
		_ = first
		create(ctx, t, c, append(networks(), "INSTANCE_COUNT=5")...)
		if again := rangeOf(ctx, t, c); again != range1 {
			t.Errorf("the range was %s and is %s", range1, again)
		}
		e := c.engine(ctx, c.em.Transport(), 1)
		warned, err := e.Validate(ctx, settings(t, append(networks(), "NETWORK_RANGE=10.128.0.0/16")...))
		if err != nil || !strings.Contains(warned.Error(), "overlaps 10.128.0.0/20") { // the two networks never meet
			t.Errorf("a range that overlaps the default network's: %v; %v", warned, err)
		}
	})
}

func rangeOf(ctx context.Context, t *testing.T, c *cloud) string {
	t.Helper()
	m, _, err := c.engine(ctx, c.em.Transport(), 1).Store.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(m.Choices["networkRange"]), `"`)
}

// Somebody's firewall rule in our network is named and stays; the rest goes; the next destroy finishes.
func TestWhatOthersPutIntoOurNetworkIsNeverRemoved(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c, networks()...)
		foreign := c.foreignFirewall(ctx, t)
		_, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
		if provision.ExitCode(err) != provision.CodePartial {
			t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		}
		for _, want := range []string{foreign, "gcloud compute firewall-rules delete theirs --project=" + project} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		if kinds := strings.Join(c.left(), " "); strings.Contains(kinds, "instance") || !strings.Contains(kinds, "theirs") {
			t.Errorf("left: %s", kinds)
		}
		c.remove(ctx, t, foreign)
		destroy(ctx, t, c)
	})
}

func TestAPreflightThatFailsChangesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		opt  emulator.Options
		more []string
		code int
		says string
	}{
		"the API is disabled":            {emulator.Options{Disabled: []string{"compute.googleapis.com"}}, nil, provision.CodeUsage, "gcloud services enable compute.googleapis.com"},
		"the project does not exist":     {emulator.Options{Projects: []string{"another-project"}}, nil, provision.CodeDenied, "does not exist, or you may not see it"},
		"the network default is missing": {emulator.Options{NoDefaultNetwork: []string{project}}, nil, provision.CodeUsage, "NETWORK_CONFIG=new_network"},
		"the machine is not in the zone": {emulator.Options{}, []string{"VM_TYPE=a2-ultragpu-1g", "ZONE=us-central1-b"}, provision.CodeUsage, "is not offered in"},
		"a given image family is gone":   {emulator.Options{}, []string{"IMAGE_FAMILY_NAME=pytorch-1-0"}, provision.CodeUsage, "families that exist: common-cu129-"},
		"the image does not exist":       {emulator.Options{}, []string{"IMAGE_NAME=nothing"}, provision.CodeUsage, "IMAGE_NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, tc.opt, func(ctx context.Context, t *testing.T, c *cloud) {
				e := c.engine(ctx, c.em.Transport(), 1)
				if name == "the machine is not in the zone" {
					clients := c.engineIn(ctx, "us-central1-b")
					e = clients
				}
				_, err := e.Create(ctx, settings(t, tc.more...), nil)
				if provision.ExitCode(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
				}
				if changed := c.changes(); len(changed) > 0 {
					t.Errorf("it has changed something: %v", changed)
				}
			})
		})
	}
}

func TestANameThatIsTakenIsRefused(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		c.post(ctx, t, "global/networks", `{"name":"demo-net","autoCreateSubnetworks":false}`)
		_, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t, networks()...), nil)
		var refused *resources.ForeignError
		if !errors.As(err, &refused) || refused.ID != "//compute.googleapis.com/projects/test-project/global/networks/demo-net" {
			t.Errorf("want a refusal that names the network, have: %v", err)
		}
	})
}

// An interrupt starts nothing more, lets end what runs, records it, and tells; the same create goes on.
func TestAnInterruptIsRecordedAndGoneOnFrom(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		stop := make(chan struct{})
		e := c.engine(ctx, c.em.Transport(), 1)
		e.Stop = stop
		go func() {
			waitVirtual(10) // the network takes 14 s
			close(stop)
		}()
		_, err := e.Create(ctx, settings(t, networks()...), nil)
		if provision.ExitCode(provision.Interrupted(err, false)) != provision.CodeInterrupted {
			t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		}
		m, _, err := e.Store.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := m.Find("network/net"); !ok || r.Status != state.Ready {
			t.Errorf("what ran is not recorded: %+v", r)
		}
		if countOf(c.left(), "/subnetworks/") != 0 {
			t.Errorf("something more was started: %v", c.left())
		}
		create(ctx, t, c, networks()...)
		destroy(ctx, t, c)
	})
}

func TestASecondRunIsToldWhoHoldsTheLease(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		first := c.engine(ctx, c.em.Transport(), 1)
		done := make(chan error, 1)
		go func() { _, err := first.Create(ctx, settings(t), nil); done <- err }()
		synctest.Wait()
		waitVirtual(10)
		_, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t), nil)
		var held *state.HeldError
		if !errors.As(err, &held) || provision.ExitCode(err) != provision.CodeHeld {
			t.Errorf("want a held lease, have: %v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestValidateAndPlanWriteNothing(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		e := c.engine(ctx, c.em.Transport(), 1)
		if _, err := e.Validate(ctx, settings(t, networks()...)); err != nil {
			t.Error(err)
		}
		if p, err := e.Plan(ctx, settings(t, networks()...)); err != nil || len(p.Steps) != 7 {
			t.Errorf("plan: %v", err)
		}
		if left := c.left(); len(left) > 0 {
			t.Errorf("something was made: %v", left)
		}
	})
}

// Values of METADATA may be secrets: they reach the VMs, and neither the bucket nor a plan.
func TestSecretsStayOutOfTheBucketAndThePlan(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		e := c.engine(ctx, c.em.Transport(), 1)
		cfg := settings(t, `METADATA={"hf-token":"verysecret"}`)
		p, err := e.Plan(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		create(ctx, t, c, `METADATA={"hf-token":"verysecret"}`)
		m, _, err := e.Store.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := state.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := p.JSON()
		if text := string(raw) + string(shown) + p.Text(); err != nil || strings.Contains(text, "verysecret") || !strings.Contains(text, "hf-token") {
			t.Errorf("%v: %s", err, text)
		}
		if again := create(ctx, t, c, `METADATA={"hf-token":"othersecret"}`); again.Nothing {
			t.Error("another value was not noticed")
		}
	})
}

func TestMissingPermissionsAreNamed(t *testing.T) {
	inWorld(t, emulator.Options{Denied: []string{"compute.networks.create"}}, func(ctx context.Context, t *testing.T, c *cloud) {
		_, err := c.engine(ctx, c.em.Transport(), 1).Validate(ctx, settings(t, networks()...))
		if provision.ExitCode(err) != provision.CodeDenied || !strings.Contains(err.Error(), "compute.networks.create") {
			t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		}
	})
}

func TestAStockoutEndsWithItsCodeAndKeepsWhatWasMade(t *testing.T) {
	plan, err := emulator.ParseFaultPlan([]byte(`{"rules":[{"match":{"path":"/instances/demo-vm-"},"times":2,"fault":{"stockout":true}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	inWorld(t, emulator.Options{Faults: plan}, func(ctx context.Context, t *testing.T, c *cloud) {
		_, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t, networks()...), nil)
		if provision.ExitCode(err) != provision.CodeCapacity || !strings.Contains(err.Error(), "cluster-provision destroy --project-id="+project) {
			t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		}
		create(ctx, t, c, networks()...) // the capacity is back: the same command goes on
		destroy(ctx, t, c)
	})
}

// A manifest whose names are not of their kinds is damaged: nothing is called by them.
func TestNamesInADamagedManifestAreNotCalled(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		e := c.engine(ctx, c.em.Transport(), 1)
		m, v, err := e.Store.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := m.Find("mig/mig")
		was := r.ID
		r.ID = "//compute.googleapis.com/projects/other/global/networks/theirs"
		m.Put(r)
		m.Serial++
		if v, err = e.Store.Save(ctx, m, v); err != nil {
			t.Fatal(err)
		}
		before := len(c.made())
		_, err1 := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
		_, err2 := c.engine(ctx, c.em.Transport(), 1).Status(ctx)
		_, err3 := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t), nil)
		var damaged *state.DamagedError
		for what, err := range map[string]error{"destroy": err1, "status": err2, "create": err3} {
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "mig/mig") {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, call := range c.made()[before:] {
			if strings.Contains(call, "compute.googleapis.com") {
				t.Errorf("called: %s", call)
			}
		}
		r.ID = was
		m.Put(r)
		m.Serial++
		if _, err = e.Store.Save(ctx, m, v); err != nil {
			t.Fatal(err)
		}
		destroy(ctx, t, c)
	})
}
