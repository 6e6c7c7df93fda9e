package instancetemplate

import (
	"encoding/json"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

func golden() Spec {
	return Spec{
		MachineType: "a2-highgpu-2g", Image: "projects/ml-images/global/images/c2-deeplearning-pytorch-1-12-cu113-v20221107-debian-10", DiskSizeGB: 2000, DiskType: "pd-ssd",
		Accelerators: []Accelerator{{Type: "nvidia-tesla-a100", Count: 2}},
		NICs: []NIC{{
			Network: resources.Known(resources.NetworkURL("projects/p/global/networks/demo-net")), Subnetwork: resources.Known(resources.SubnetworkURL("projects/p/regions/r/subnetworks/demo-subnet")),
			ExternalIP: true, Type: "GVNIC",
		}},
		Metadata: map[string]resources.Sealed{"enable-oslogin": resources.Seal("TRUE"), "proxy-mode": resources.Seal("project_editors")},
		Labels:   map[string]string{resources.OwnerLabel: "demo-1a2b3c4d"}, ServiceAccount: "default", Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"},
		OnHostMaintenance: "TERMINATE", AutomaticRestart: true, MaxRunSeconds: 3600,
	}
}

// The digest is the name of templates that exist: when this test fails, every cluster's VMs would be recreated by the next create.
func TestTheDigestOfATemplateNeverChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		spec Spec
		want string
	}{
		"a whole template":   {golden(), "d33170d8"},
		"an almost bare one": {Spec{MachineType: "n1-standard-4", OnHostMaintenance: "MIGRATE"}, "7092b89e"},
	} {
		if got := digest(tc.spec); got != tc.want {
			t.Errorf("%s: %s, it was %s", name, got, tc.want)
		}
	}
}

// A later program has more fields, and has them in another order.
func TestAFieldThatIsNotSetChangesNothing(t *testing.T) {
	type later struct {
		Placement string            `json:"placement,omitempty"`
		Spot      bool              `json:"spot"` // no omitempty: false says nothing either
		Disks     []string          `json:"disks"`
		Tags      map[string]string `json:"tags"`
		Budget    int               `json:"budget"`
		Spec
	}
	if got, want := digest(later{Spec: golden()}), digest(golden()); got != want {
		t.Errorf("with more fields: %s, want %s", got, want)
	}
	for name, changed := range map[string]later{
		"placement": {Spec: golden(), Placement: "compact"}, "spot": {Spec: golden(), Spot: true}, "disks": {Spec: golden(), Disks: []string{"d"}},
	} {
		if digest(changed) == digest(golden()) {
			t.Errorf("%s is set and changes nothing", name)
		}
	}
}

func TestTheOrderOfFieldsMeansNothing(t *testing.T) {
	type one struct {
		A string `json:"a"`
		B int    `json:"b"`
	}
	type other struct {
		B int    `json:"b"`
		A string `json:"a"`
	}
	if digest(one{"x", 1}) != digest(other{1, "x"}) {
		t.Error("it does")
	}
}

// Every field of a template means something.
func TestEachFieldChangesTheDigest(t *testing.T) {
	seen := map[string]string{digest(golden()): "the template"}
	for name, change := range map[string]func(*Spec){
		"machine type": func(s *Spec) { s.MachineType = "a2-highgpu-4g" }, "image": func(s *Spec) { s.Image = "other" }, "disk size": func(s *Spec) { s.DiskSizeGB = 1 },
		"disk type": func(s *Spec) { s.DiskType = "pd-balanced" }, "accelerators": func(s *Spec) { s.Accelerators[0].Count = 1 }, "no accelerators": func(s *Spec) { s.Accelerators = nil },
		"a NIC more": func(s *Spec) { s.NICs = append(s.NICs, s.NICs[0]) }, "external address": func(s *Spec) { s.NICs[0].ExternalIP = false }, "NIC type": func(s *Spec) { s.NICs[0].Type = "" },
		"metadata": func(s *Spec) { s.Metadata["enable-oslogin"] = resources.Seal("FALSE") }, "labels": func(s *Spec) { s.Labels["a"] = "b" }, "a label that says false": func(s *Spec) { s.Labels["a"] = "false" }, "an empty label": func(s *Spec) { s.Labels["a"] = "" }, "a label that is 0": func(s *Spec) { s.Labels["a"] = "0" }, "account": func(s *Spec) { s.ServiceAccount = "a@b" },
		"scopes": func(s *Spec) { s.Scopes = nil }, "maintenance": func(s *Spec) { s.OnHostMaintenance = "MIGRATE" }, "restart": func(s *Spec) { s.AutomaticRestart = false },
		"run time": func(s *Spec) { s.MaxRunSeconds = 0 }, "network": func(s *Spec) { s.NICs[0].Network = resources.Known(resources.NetworkURL("n")) },
	} {
		s := golden()
		change(&s)
		d := digest(s)
		if as, taken := seen[d]; taken {
			t.Errorf("%s has the digest of %s", name, as)
		}
		seen[d] = name
	}
}

// What a manifest has is digested as what was wanted.
func TestARecordedTemplateHasTheSameDigest(t *testing.T) {
	raw, err := json.Marshal(golden())
	var back Spec
	if err == nil {
		err = json.Unmarshal(raw, &back)
	}
	if err != nil || digest(back) != digest(golden()) {
		t.Errorf("%s, %v", digest(back), err)
	}
}
