package gce_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/firewall"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/instancetemplate"
	"github.com/aiinfra/cluster-provision/pkg/resources/mig"
	"github.com/aiinfra/cluster-provision/pkg/resources/network"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
	"github.com/aiinfra/cluster-provision/pkg/resources/router"
	"github.com/aiinfra/cluster-provision/pkg/resources/subnetwork"
)

// answerOnce answers the first call whose path ends in a suffix.
func answerOnce(done *bool, suffix string, status int, body string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if *done || !strings.HasSuffix(r.URL.Path, suffix) {
			return nil
		}
		*done = true
		return resourcetest.JSON(r, status, body)
	}
}

// others makes a resource of another deployment, or of a person.
func others[S, O any](t *testing.T, d resources.Driver[S, O], name string, s S) {
	t.Helper()
	stamp := resourcetest.Stamp()
	stamp.Owner = "other-11111111"
	if err := d.Create(t.Context(), d.ID(resourcetest.Scope, name, s), s, stamp); err != nil {
		t.Fatal(err)
	}
}

const held = `"fault":{"failOperation":{"code":"RESOURCE_IN_USE_BY_ANOTHER_RESOURCE","httpStatus":400,"message":"The network resource 'projects/suite-project/global/networks/demo-net' is already being used by '%s'"}}`

func vmBody() *computepb.Instance {
	return &computepb.Instance{
		Name: proto.String("theirs"), MachineType: proto.String("zones/us-central1-a/machineTypes/n1-standard-4"),
		NetworkInterfaces: []*computepb.NetworkInterface{{Subnetwork: proto.String(subID.Path())}},
		Disks: []*computepb.AttachedDisk{{Boot: proto.Bool(true), AutoDelete: proto.Bool(true), InitializeParams: &computepb.AttachedDiskInitializeParams{
			SourceImage: proto.String("projects/debian-cloud/global/images/family/debian-12"),
		}}},
	}
}

// Each thing of somebody else's that holds a resource of ours is named with the command that removes it, or with what frees it,
// although the emulator has neither lists of addresses nor of forwarding rules.
func TestWhatBlocksIsNamed(t *testing.T) {
	vpc := resources.Known(resources.NetworkURL(netID.Path()))
	const link = "https://www.googleapis.com/compute/v1/"
	for name, tc := range map[string]struct {
		make   func(t *testing.T, c *gcp.Clients)
		id     resources.ID // what is to go; the network unless given
		answer map[string]string
		plan   string // a refusal, where the emulator has none
		is     string // full name of the blocker
		says   string
	}{
		"a VM": {
			id: subID,
			make: func(t *testing.T, c *gcp.Clients) {
				t.Helper()
				resourcetest.Make(t.Context(), t, subnetwork.New(c), "subnet", subSpec)
				op, err := c.Instances.Insert(t.Context(), &computepb.InsertInstanceRequest{Project: "suite-project", Zone: "us-central1-a", InstanceResource: vmBody()})
				if err != nil || op.Wait(t.Context()) != nil {
					t.Fatal(err)
				}
			},
			is: "projects/suite-project/zones/us-central1-a/instances/theirs", says: "gcloud compute instances delete theirs --zone=us-central1-a --project=suite-project",
		},
		"a firewall rule": {
			make: func(t *testing.T, c *gcp.Clients) {
				others(t, firewall.New(c), "theirs", firewall.Spec{Network: vpc, Priority: 1, SourceRanges: []string{"10.0.0.0/8"}, Allow: []string{"tcp"}})
			},
			is: "projects/suite-project/global/firewalls/demo-theirs", says: "gcloud compute firewall-rules delete demo-theirs --project=suite-project",
		},
		"a route": {
			make: func(t *testing.T, c *gcp.Clients) {
				op, err := c.Routes.Insert(t.Context(), &computepb.InsertRouteRequest{Project: "suite-project", RouteResource: &computepb.Route{
					Name: proto.String("theirs"), Network: proto.String(netID.Path()), DestRange: proto.String("10.99.0.0/16"), NextHopGateway: proto.String("projects/suite-project/global/gateways/default-internet-gateway"),
				}})
				if err != nil || op.Wait(t.Context()) != nil {
					t.Fatal(err)
				}
			},
			is: "projects/suite-project/global/routes/theirs", says: "gcloud compute routes delete theirs --project=suite-project",
		},
		"a subnetwork": {
			make: func(t *testing.T, c *gcp.Clients) {
				others(t, subnetwork.New(c), "theirs", subnetwork.Spec{Network: vpc, CIDR: "10.9.0.0/20"})
			},
			is: "projects/suite-project/regions/us-central1/subnetworks/demo-theirs", says: "gcloud compute networks subnets delete demo-theirs --region=us-central1 --project=suite-project",
		},
		"a router": {
			make: func(t *testing.T, c *gcp.Clients) { others(t, router.New(c), "theirs", router.Spec{Network: vpc}) },
			is:   "projects/suite-project/regions/us-central1/routers/demo-theirs", says: "gcloud compute routers delete demo-theirs --region=us-central1 --project=suite-project",
		},
		"an address": {
			plan:   rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, fmt.Sprintf(held, "projects/suite-project/regions/us-central1/addresses/ip")),
			answer: map[string]string{"/aggregated/addresses": `{"items":{"regions/us-central1":{"addresses":[{"name":"ip","network":"` + link + netID.Path() + `","selfLink":"` + link + `projects/suite-project/regions/us-central1/addresses/ip"},{"name":"else","network":"` + link + `projects/p/global/networks/n","selfLink":"` + link + `projects/suite-project/regions/us-central1/addresses/else"}]}}}`},
			is:     "projects/suite-project/regions/us-central1/addresses/ip", says: "gcloud compute addresses delete ip --region=us-central1 --project=suite-project",
		},
		"a global address": {
			plan:   rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, fmt.Sprintf(held, "projects/suite-project/global/addresses/range")),
			answer: map[string]string{"/aggregated/addresses": `{"items":{"global":{"addresses":[{"name":"range","network":"` + link + netID.Path() + `","selfLink":"` + link + `projects/suite-project/global/addresses/range"}]}}}`},
			is:     "projects/suite-project/global/addresses/range", says: "gcloud compute addresses delete range --global --project=suite-project",
		},
		"a forwarding rule": {
			plan:   rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, fmt.Sprintf(held, "projects/suite-project/regions/us-central1/forwardingRules/lb")),
			answer: map[string]string{"/aggregated/forwardingRules": `{"items":{"regions/us-central1":{"forwardingRules":[{"name":"lb","network":"` + link + netID.Path() + `","selfLink":"` + link + `projects/suite-project/regions/us-central1/forwardingRules/lb"}]}}}`},
			is:     "projects/suite-project/regions/us-central1/forwardingRules/lb", says: "gcloud compute forwarding-rules delete lb --region=us-central1 --project=suite-project",
		},
		"a peering": {
			plan:   rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, `"fault":{"error":{"status":400,"reason":"resourceInUseByAnotherResource","message":"The network resource 'projects/suite-project/global/networks/demo-net' has peerings"}}`),
			answer: map[string]string{"/networks/demo-net": `{"name":"demo-net","peerings":[{"name":"servicenetworking-googleapis-com"}]}`},
			is:     "projects/suite-project/global/networks/demo-net/peerings/servicenetworking-googleapis-com",
			says:   "gcloud compute networks peerings delete servicenetworking-googleapis-com --network=demo-net --project=suite-project",
		},
		"an address of a serverless connector, named by the cloud only": {
			plan: rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, fmt.Sprintf(held, "projects/suite-project/regions/us-central1/addresses/serverless-ipv4-17")),
			is:   "projects/suite-project/regions/us-central1/addresses/serverless-ipv4-17", says: "delete the service, job or connector that uses the network",
		},
		"a gateway, named by the cloud only": {
			plan: rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, fmt.Sprintf(held, "projects/suite-project/regions/us-central1/vpnGateways/vpn")),
			is:   "projects/suite-project/regions/us-central1/vpnGateways/vpn", says: "gcloud compute vpn-gateways delete vpn --region=us-central1 --project=suite-project",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tape, c := open(t, tc.plan)
				if tc.make != nil {
					tc.make(t, c)
				}
				tape.Answer = func(r *http.Request) *http.Response {
					for suffix, body := range tc.answer {
						if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, suffix) {
							return resourcetest.JSON(r, http.StatusOK, body)
						}
					}
					return nil
				}
				start := time.Now()
				var err error
				if tc.id != "" {
					err = subnetwork.New(c).Delete(t.Context(), tc.id, resourcetest.Stamp())
				} else {
					err = network.New(c).Delete(t.Context(), netID, resourcetest.Stamp())
				}
				var blocked *resources.BlockedError
				if !errors.As(err, &blocked) || len(blocked.By) != 1 || blocked.By[0].ID.Path() != tc.is || blocked.By[0].ID.Service() != gce.Service || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v", err)
				}
				if resources.ClassOf(err) != resources.ClassInUse || time.Since(start) > time.Minute {
					t.Errorf("class %q after %s", resources.ClassOf(err), time.Since(start))
				}
			})
		})
	}
}

// A template that somebody's group uses.
func TestAGroupThatUsesOurTemplateIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := open(t, "")
		s := instancetemplate.Spec{
			MachineType: "n1-standard-4", Image: "projects/debian-cloud/global/images/family/debian-12", DiskSizeGB: 100, DiskType: "pd-ssd", ServiceAccount: "default", OnHostMaintenance: "TERMINATE",
			NICs: []instancetemplate.NIC{{Network: resources.Known(resources.NetworkURL(gce.Global(resourcetest.Scope, "networks", "default").Path()))}},
		}
		d := instancetemplate.New(c)
		resourcetest.Make(t.Context(), t, d, "vm", s)
		id := d.ID(resourcetest.Scope, "vm", s)
		others(t, mig.New(c), "theirs", mig.Spec{Template: resources.Known(resources.TemplateURL(id.Path())), BaseInstanceName: "x-##", TargetSize: 1})
		start := time.Now()
		err := d.Delete(t.Context(), id, resourcetest.Stamp())
		var blocked *resources.BlockedError
		if !errors.As(err, &blocked) || !strings.Contains(err.Error(), "gcloud compute instance-groups managed delete demo-theirs --zone=us-central1-a --project=suite-project") || time.Since(start) > time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// What we have just deleted may still count as a user for a while: the deletion is asked for again until it is done.
func TestWhatWeHaveJustDeletedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, c := open(t, rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, `"nth":[1,2,3],`+fmt.Sprintf(held, "projects/suite-project/global/firewalls/demo-allow-internal")))
		if err := network.New(c).Delete(t.Context(), netID, resourcetest.Stamp()); err != nil {
			t.Error(err)
		}
		if asked := requests(tape.Played("DELETE", "/demo-net")); len(asked) != 4 || distinct(asked) != 4 {
			t.Errorf("%v", asked)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, c := open(t, rule(`{"method":"DELETE","path":"/networks/demo-net$"}`, fmt.Sprintf(held, "projects/suite-project/global/firewalls/demo-allow-internal")))
		start := time.Now()
		err := network.New(c).Delete(t.Context(), netID, resourcetest.Stamp())
		var blocked *resources.BlockedError
		if took := time.Since(start); !errors.As(err, &blocked) || !strings.Contains(err.Error(), "already being used by") || took > 5*time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// A list that may not be read hides nothing that another list has.
func TestAListThatCannotBeReadHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := open(t, rule(`{"method":"GET","path":"/aggregated/(instances|subnetworks)$"}`, `"fault":{"error":{"status":403,"reason":"forbidden","message":"Required 'compute.instances.list' permission for 'projects/suite-project'"}}`))
		others(t, router.New(c), "theirs", router.Spec{Network: resources.Known(resources.NetworkURL(netID.Path()))})
		err := network.New(c).Delete(t.Context(), netID, resourcetest.Stamp())
		var blocked *resources.BlockedError
		if !errors.As(err, &blocked) || len(blocked.By) != 1 || resources.ClassOf(err) != resources.ClassInUse || !strings.Contains(fmt.Sprint(blocked.Err), "compute.instances.list") {
			t.Errorf("%v", err)
		}
	})
}
