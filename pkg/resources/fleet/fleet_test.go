package fleet_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/fleet"
	"github.com/aiinfra/cluster-provision/pkg/resources/resourcetest"
)

func instance(name, zone, owner string) *computepb.InsertInstanceRequest {
	return &computepb.InsertInstanceRequest{Project: resourcetest.Scope.Project, Zone: zone, InstanceResource: &computepb.Instance{
		Name: proto.String(name), MachineType: proto.String("zones/" + zone + "/machineTypes/n1-standard-4"), Labels: map[string]string{resources.OwnerLabel: owner},
		NetworkInterfaces: []*computepb.NetworkInterface{{Network: proto.String("global/networks/default")}},
		Disks: []*computepb.AttachedDisk{{Boot: proto.Bool(true), AutoDelete: proto.Bool(true), InitializeParams: &computepb.AttachedDiskInitializeParams{
			SourceImage: proto.String("projects/debian-cloud/global/images/family/debian-12"), Labels: map[string]string{resources.OwnerLabel: owner},
		}}},
	}}
}

// names gives the full names of a proof.
func names(found []resources.Blocker, err error) ([]string, error) {
	var out []string
	for _, b := range found {
		out = append(out, string(b.ID))
	}
	return out, err
}

// VMs and disks in whatever zone count until they are gone, whoever made them, and nobody else's do.
func TestTheProofSeesEveryZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape := resourcetest.NewTape(resourcetest.Emulate(t, "").Transport())
		c := resourcetest.NewClientsOver(t.Context(), t, tape)
		f := fleet.New(c, resourcetest.Scope)
		if left, err := names(f.Proof(t.Context(), resourcetest.Owner)); err != nil || len(left) != 0 {
			t.Errorf("nothing was made: %v %v", left, err)
		}
		for _, r := range []*computepb.InsertInstanceRequest{
			instance("vm-b", "us-central1-b", resourcetest.Owner), instance("vm-a", "us-central1-a", resourcetest.Owner), instance("vm-a", "europe-west4-a", resourcetest.Owner),
			instance("theirs", "us-central1-a", "other-11111111"), instance("longer", "us-central1-a", resourcetest.Owner+"0"),
		} {
			op, err := c.Instances.Insert(t.Context(), r)
			if err != nil || op.Wait(t.Context()) != nil {
				t.Fatal(err)
			}
		}
		before := len(tape.Played("GET", ""))
		left, err := names(f.Proof(t.Context(), resourcetest.Owner))
		if calls := len(tape.Played("GET", "")) - before; calls != 2 {
			t.Errorf("%d calls", calls)
		}
		const zones = "//compute.googleapis.com/projects/suite-project/zones/"
		want := []string{
			zones + "europe-west4-a/disks/vm-a", zones + "europe-west4-a/instances/vm-a", zones + "us-central1-a/disks/vm-a", zones + "us-central1-a/instances/vm-a",
			zones + "us-central1-b/disks/vm-b", zones + "us-central1-b/instances/vm-b",
		}
		if err != nil || !slices.Equal(left, want) {
			t.Errorf("%v\n%v", err, strings.Join(left, "\n"))
		}
		vms, err := f.List(t.Context(), resourcetest.Owner)
		if err != nil || len(vms) != 3 || vms[0].Zone != "europe-west4-a" || vms[1].Zone != "us-central1-a" || vms[2].Name != "vm-b" {
			t.Errorf("%v %v", vms, err)
		}
		if _, err := c.Instances.Delete(t.Context(), &computepb.DeleteInstanceRequest{Project: resourcetest.Scope.Project, Zone: "us-central1-b", Instance: "vm-b"}); err != nil {
			t.Fatal(err)
		}
		if left, err = names(f.Proof(t.Context(), resourcetest.Owner)); err != nil || !slices.Contains(left, zones+"us-central1-b/instances/vm-b") {
			t.Errorf("a VM that is being deleted is not gone yet: %v %v", left, err)
		}
		<-time.NewTimer(2 * time.Minute).C
		if left, err = names(f.Proof(t.Context(), resourcetest.Owner)); err != nil || !slices.Equal(left, want[:4]) {
			t.Errorf("%v %v", left, err)
		}
	})
}

func TestAProofThatCannotBeReadIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		em := resourcetest.Emulate(t, `{"rules":[{"match":{"path":"/aggregated/disks$"},"fault":{"error":{"status":403,"reason":"forbidden","message":"Required 'compute.disks.list' permission for 'projects/suite-project'"}}}]}`)
		left, err := fleet.New(resourcetest.NewClients(t.Context(), t, em), resourcetest.Scope).Proof(t.Context(), resourcetest.Owner)
		if resources.ClassOf(err) != resources.ClassDenied {
			t.Errorf("%v %v", left, err)
		}
	})
}
