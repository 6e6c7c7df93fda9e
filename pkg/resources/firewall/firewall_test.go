package firewall_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/firewall"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

func spec(change func(*firewall.Spec)) firewall.Spec {
	s := firewall.Spec{
		Network:  resources.Link(resources.Address{Kind: network.Kind, Name: "net"}, "url", resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "demo-net").Path())),
		Priority: 1000, SourceRanges: []string{"10.8.0.0/20", "10.0.0.0/20"},
		Allow: []string{"tcp:22,80-90", "icmp"},
	}
	if change != nil {
		change(&s)
	}
	return s
}

func TestContract(t *testing.T) {
	resourcetest.Run(t, resourcetest.Suite[firewall.Spec, firewall.Outputs]{
		New:  func(c *gcp.Clients) resources.Driver[firewall.Spec, firewall.Outputs] { return firewall.New(c) },
		Name: "allow-internal", Spec: spec(nil),
		Changed: []firewall.Spec{
			spec(func(s *firewall.Spec) { s.Priority = 0 }),
			spec(func(s *firewall.Spec) { s.SourceRanges = []string{"10.8.0.0/20"} }),
			spec(func(s *firewall.Spec) { s.Allow = []string{"udp"} }),
			spec(func(s *firewall.Spec) {
				s.Network = resources.Known(resources.NetworkURL("projects/p/global/networks/other"))
			}),
		},
		Found: []firewall.Spec{
			spec(func(s *firewall.Spec) { s.Disabled = true }),
			spec(func(s *firewall.Spec) { s.Egress = true }),
			spec(func(s *firewall.Spec) { s.Denies = true }),
			spec(func(s *firewall.Spec) { s.Narrowed = []string{"gpu"} }),
		},
		Before: func(ctx context.Context, t *testing.T, c *gcp.Clients) {
			resourcetest.Make(ctx, t, network.New(c), "net", network.Spec{})
		},
	})
}

// What somebody does by hand to a rule that changes what the rule does must show, under the field's own path, and be mended.
func TestWhatIsChangedByHandIsMended(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*computepb.Firewall)
		path   string
	}{
		"switched off":                 {func(f *computepb.Firewall) { f.Disabled = proto.Bool(true) }, "disabled"},
		"limited to a tag":             {func(f *computepb.Firewall) { f.TargetTags = []string{"gpu"} }, "narrowed"},
		"limited to a service account": {func(f *computepb.Firewall) { f.TargetServiceAccounts = []string{"a@p.iam.gserviceaccount.com"} }, "narrowed"},
		"limited to a destination":     {func(f *computepb.Firewall) { f.DestinationRanges = []string{"10.8.0.1/32"} }, "narrowed"},
		"opened to a tag too":          {func(f *computepb.Firewall) { f.SourceTags = []string{"web"} }, "narrowed"},
		"opened to the world":          {func(f *computepb.Firewall) { f.SourceRanges = []string{"0.0.0.0/0"} }, "sourceRanges"},
		"another priority":             {func(f *computepb.Firewall) { f.Priority = proto.Int32(65535) }, "priority"},
		"more protocols": {func(f *computepb.Firewall) {
			f.Allowed = append(f.Allowed, &computepb.Allowed{IPProtocol: proto.String("udp")})
		}, "allow"},
		"a rule that denies what it let in": {func(f *computepb.Firewall) {
			f.Allowed, f.Denied = nil, []*computepb.Denied{{IPProtocol: proto.String("tcp")}}
		}, "denies"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := resourcetest.NewClients(t.Context(), t, resourcetest.Emulate(t, ""))
				resourcetest.Make(t.Context(), t, network.New(c), "net", network.Spec{})
				d, want := firewall.New(c), spec(nil)
				resourcetest.Make(t.Context(), t, d, "rule", want)
				id := d.ID(resourcetest.Scope, "rule", want)
				rule, err := d.Fetch(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				tc.change(rule)
				op, err := c.Firewalls.Update(t.Context(), &computepb.UpdateFirewallRequest{Project: id.Project(), Firewall: id.Base(), FirewallResource: rule})
				if err != nil || op.Wait(t.Context()) != nil {
					t.Fatal(err)
				}
				live, err := d.Read(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				changes := d.Compare(want, live.Spec)
				if !slices.ContainsFunc(changes, func(c resources.Change) bool { return c.Path == tc.path }) {
					t.Errorf("it does not show under %q: %v", tc.path, changes)
				}
				if err := d.Update(t.Context(), live, want, changes, resourcetest.Stamp()); err != nil {
					t.Error(err)
				}
				if live, err = d.Read(t.Context(), id); err != nil || len(d.Compare(want, live.Spec)) > 0 {
					t.Errorf("not mended: %v %v", d.Compare(want, live.Spec), err)
				}
			})
		})
	}
}

// The direction of a rule cannot be changed, so one that somebody has made anew the other way is replaced.
func TestARuleOfTheOtherDirectionIsReplaced(t *testing.T) {
	changes := firewall.Driver{}.Compare(spec(nil), spec(func(s *firewall.Spec) { s.Egress = true }))
	if len(changes) != 1 || changes[0].Path != "egress" || changes[0].Impact != resources.Replace {
		t.Errorf("%v", changes)
	}
}

func TestARuleThatIsOpenToTheWorldIsRefused(t *testing.T) {
	for name, s := range map[string]firewall.Spec{
		"the whole world":  spec(func(s *firewall.Spec) { s.SourceRanges = []string{"0.0.0.0/0"} }),
		"no ranges at all": spec(func(s *firewall.Spec) { s.SourceRanges = nil }),
		"nothing allowed":  spec(func(s *firewall.Spec) { s.Allow = nil }),
		"a bad priority":   spec(func(s *firewall.Spec) { s.Priority = -1 }),
	} {
		if p := (firewall.Driver{}).Check(s); len(p) != 1 {
			t.Errorf("%s gave %v", name, p)
		}
	}
}
