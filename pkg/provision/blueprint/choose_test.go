package blueprint_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

func settings(t *testing.T, more ...string) *config.Config {
	t.Helper()
	environ := append([]string{"PROJECT_ID=test-project", "NAME_PREFIX=demo", "ZONE=us-central1-a"}, more...)
	cfg, problems := config.Load(config.Input{Environ: environ})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

const (
	images = "projects/ml-images/global/images/"
	subs   = "projects/test-project/regions/us-central1/subnetworks/"
)

func TestTheImageIsPinned(t *testing.T) {
	family := func(name string) []string { return []string{"IMAGE_FAMILY_NAME=" + name} }
	pinned := map[string]string{"image/ml-images/f": images + "f-v1"}
	for name, tc := range map[string]struct {
		settings []string
		recorded map[string]string
		found    *offer.Image
		want     string
		record   map[string]string
		says     string
	}{
		"a family becomes the image that it means now": {
			family("f"), nil, &offer.Image{Path: images + "f-v1"}, images + "f-v1", map[string]string{"image/ml-images/f": images + "f-v1"}, "",
		},
		"what was recorded stays, and a newer one is told of": {
			family("f"), pinned, &offer.Image{Path: images + "f-v2"}, images + "f-v1", pinned, "a newer image of f is there: f-v2; the VMs have f-v1; take it with: create --upgrade-image",
		},
		"the same image is no news":                       {family("f"), pinned, &offer.Image{Path: images + "f-v1"}, images + "f-v1", pinned, ""},
		"what was recorded stays when the family is gone": {family("f"), pinned, &offer.Image{Absent: true}, images + "f-v1", pinned, ""},
		"what was recorded stays when nobody could look":  {family("f"), pinned, nil, images + "f-v1", pinned, ""},
		"another family is looked up anew": {
			family("g"), pinned, &offer.Image{Path: images + "g-v7"}, images + "g-v7", map[string]string{"image/ml-images/g": images + "g-v7"}, "",
		},
		"the family of another project is looked up anew": {
			append(family("f"), "IMAGE_PROJECT=other-project"), pinned, &offer.Image{Path: "projects/other-project/global/images/f-v3"}, "projects/other-project/global/images/f-v3",
			map[string]string{"image/other-project/f": "projects/other-project/global/images/f-v3"}, "",
		},
		"a name is taken as it is, and frees what was recorded": {[]string{"IMAGE_NAME=mine"}, pinned, &offer.Image{Path: images + "mine"}, images + "mine", map[string]string{}, ""},
		"a name that does not exist is told":                    {[]string{"IMAGE_NAME=mine"}, nil, &offer.Image{Absent: true}, images + "mine", map[string]string{}, "does not exist in project ml-images"},
		"a given family that is gone is told with those there are": {
			family("f"), nil, &offer.Image{Absent: true, Families: []offer.Family{{Name: "pytorch-2-cu1", Path: images + "p"}, {Name: "b"}}}, "", map[string]string{}, "families that exist: b, pytorch-2-cu1",
		},
		"a default family that is gone is replaced, said and pinned": {
			nil, nil, &offer.Image{Absent: true, Families: []offer.Family{{Name: "common-cu129"}, {Name: "pytorch-2-cu1", Path: images + "p-v1"}}}, images + "p-v1",
			map[string]string{"image/ml-images/pytorch-1-12-gpu-debian-10": images + "p-v1", "imageFamily/ml-images/pytorch-1-12-gpu-debian-10": "pytorch-2-cu1"}, "the newest PyTorch GPU family pytorch-2-cu1 is taken",
		},
		"and its newer images are those of the family that replaced it": {
			nil, map[string]string{"image/ml-images/pytorch-1-12-gpu-debian-10": images + "p-v1", "imageFamily/ml-images/pytorch-1-12-gpu-debian-10": "pytorch-2-cu1"}, &offer.Image{Path: images + "p-v2"}, images + "p-v1",
			map[string]string{"image/ml-images/pytorch-1-12-gpu-debian-10": images + "p-v1", "imageFamily/ml-images/pytorch-1-12-gpu-debian-10": "pytorch-2-cu1"}, "a newer image of pytorch-2-cu1 is there: p-v2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings(t, tc.settings...)
			ch, problems := blueprint.Choose(cfg, tc.recorded, &offer.Answer{Image: tc.found})
			if ch.Image != tc.want {
				t.Errorf("image %s, want %s", ch.Image, tc.want)
			}
			if diff := cmp.Diff(tc.record, ch.Record); diff != "" {
				t.Error(diff)
			}
			if said := problems.Error(); said != "" && tc.says == "" || !strings.Contains(said, tc.says) {
				t.Errorf("said: %q", said)
			}
		})
	}
	if left := blueprint.Forget(map[string]string{"image/p/f": "x", "imageFamily/p/f": "y", "networkRange": "z"}); !cmp.Equal(left, map[string]string{"networkRange": "z"}) {
		t.Errorf("an upgrade keeps %v", left)
	}
	if q := blueprint.AskNewer(settings(t), map[string]string{"image/ml-images/pytorch-1-12-gpu-debian-10": "x", "imageFamily/ml-images/pytorch-1-12-gpu-debian-10": "pytorch-2-cu1"}); q.Image.Family != "pytorch-2-cu1" || q.Image.Others {
		t.Errorf("asked is %+v", q.Image)
	}
}

// The driver of the network card follows the image's name, be it a family or one image of it.
func TestImagesOfAFamilyGetItsNetworkCard(t *testing.T) {
	for _, name := range []string{"family/pytorch-2-9-cu129-ubuntu-2404-nvidia-580", "pytorch-2-9-cu129-ubuntu-2404-nvidia-580-v20260818"} {
		set := blueprint.Build(settings(t), blueprint.Choices{Image: images + name, Subnetwork: subs + "default"})
		other := blueprint.Build(settings(t), blueprint.Choices{Image: images + "c2-deeplearning-pytorch-1-12-cu113-v20221107-debian-10", Subnetwork: subs + "default"})
		if got := blueprint.NICTypes(set); !cmp.Equal(got, []string{"GVNIC"}) {
			t.Errorf("%s: %v", name, got)
		}
		if got := blueprint.NICTypes(other); !cmp.Equal(got, []string{""}) {
			t.Errorf("debian-10: %v", got)
		}
	}
}

func TestTheSubnetworkOfTheDefaultNetwork(t *testing.T) {
	recorded := map[string]string{"subnetwork/us-central1": subs + "b"}
	for name, tc := range map[string]struct {
		given    string
		recorded map[string]string
		network  *offer.Network
		want     string
		says     string
	}{
		"the only one is taken":                       {"", nil, &offer.Network{Subnetworks: []string{subs + "main"}}, subs + "main", ""},
		"several are an error that lists them":        {"", nil, &offer.Network{Subnetworks: []string{subs + "a", subs + "b"}}, "", "has several subnetworks in us-central1: a, b; choose one, for example with SUBNETWORK=a"},
		"a given one is taken":                        {"b", nil, &offer.Network{Subnetworks: []string{subs + "a", subs + "b"}}, subs + "b", ""},
		"a given one that is not there is an error":   {"c", nil, &offer.Network{Subnetworks: []string{subs + "a", subs + "b"}}, "", `SUBNETWORK="c": is no subnetwork of the network "default" in us-central1; there are: a, b`},
		"a recorded one stays when another appears":   {"", recorded, &offer.Network{Subnetworks: []string{subs + "a", subs + "b"}}, subs + "b", ""},
		"a recorded one stays when nobody looked":     {"", recorded, nil, subs + "b", ""},
		"a given one wins over the recorded one":      {"a", recorded, &offer.Network{Subnetworks: []string{subs + "a", subs + "b"}}, subs + "a", ""},
		"a recorded one that is gone is chosen again": {"", recorded, &offer.Network{Subnetworks: []string{subs + "a"}}, subs + "a", ""},
		"none in the region is an error":              {"", nil, &offer.Network{}, "", "has no subnetwork for VMs in us-central1; set NETWORK_CONFIG=new_network"},
		"no network is an error":                      {"", nil, &offer.Network{Absent: true}, "", `the project has no network "default"; set NETWORK_CONFIG=new_network`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings(t)
			cfg.Subnetwork = tc.given
			ch, problems := blueprint.Choose(cfg, tc.recorded, &offer.Answer{Network: tc.network})
			if ch.Subnetwork != tc.want {
				t.Errorf("subnetwork %q, want %q", ch.Subnetwork, tc.want)
			}
			if said := problems.Error(); said != "" && tc.says == "" || !strings.Contains(said, tc.says) {
				t.Errorf("said: %q", said)
			}
			if tc.want != "" && ch.Record["subnetwork/us-central1"] != tc.want {
				t.Errorf("recorded: %v", ch.Record)
			}
		})
	}
}

func TestRangesThatMeetOursAndThatDoNot(t *testing.T) {
	const ours, theirs = "projects/test-project/global/networks/demo-net", "projects/test-project/global/networks/default"
	in := func(cidr, user, network string) offer.Range {
		return offer.Range{Prefix: netip.MustParsePrefix(cidr), User: user, Network: network}
	}
	for name, tc := range map[string]struct {
		given    string
		recorded map[string]string
		used     []offer.Range
		read     bool
		want     string
		fails    bool
		says     string
	}{
		"a given range of another network is a warning":        {"10.1.0.0/16", nil, []offer.Range{in("10.1.2.0/24", subs+"x", theirs)}, true, "10.1.0.0/16", false, "overlaps 10.1.2.0/24 of " + subs + "x: the two networks can never be peered"},
		"a given range that our network has already is not":    {"10.1.0.0/16", nil, []offer.Range{in("10.1.2.0/24", subs+"theirs", ours)}, true, "10.1.0.0/16", true, "overlaps 10.1.2.0/24 of " + subs + "theirs, which is in the same network"},
		"a route of a peering of ours is not":                  {"10.1.0.0/16", nil, []offer.Range{in("10.1.0.0/20", "projects/test-project/global/routes/peering-route-1", ours)}, true, "10.1.0.0/16", true, "in the same network"},
		"our own subnetwork is not in its own way":             {"10.1.0.0/16", nil, []offer.Range{in("10.1.0.0/16", subs+"demo-subnet", ours)}, true, "10.1.0.0/16", false, ""},
		"a chosen range avoids all that is in use":             {"", nil, []offer.Range{in("10.0.0.0/20", subs+"x", theirs)}, true, "10.1.0.0/16", false, ""},
		"a range is chosen where none is in use":               {"", nil, nil, true, "10.0.0.0/16", false, ""},
		"no range is chosen blindly":                           {"", nil, nil, false, "", false, ""},
		"a recorded range stays":                               {"", map[string]string{"networkRange": "10.7.0.0/16"}, []offer.Range{in("10.7.0.0/20", subs+"x", theirs)}, true, "10.7.0.0/16", false, ""},
		"a recorded range that is too small is chosen anew":    {"", map[string]string{"networkRange": "10.7.0.0/29"}, nil, true, "10.0.0.0/16", false, ""},
		"a given range wins over a recorded one that is other": {"10.9.0.0/16", map[string]string{"networkRange": "10.7.0.0/16"}, nil, true, "10.9.0.0/16", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			more := []string{"NETWORK_CONFIG=new_network", "INSTANCE_COUNT=20"}
			if tc.given != "" {
				more = append(more, "NETWORK_RANGE="+tc.given)
			}
			ch, problems := blueprint.Choose(settings(t, more...), tc.recorded, &offer.Answer{Ranges: tc.used, RangesRead: tc.read})
			got := ""
			if ch.Range.IsValid() {
				got = ch.Range.String()
			}
			if got != tc.want || (problems.Err() != nil) != tc.fails {
				t.Errorf("range %s, want %s; problems: %v", got, tc.want, problems)
			}
			if said := problems.Error(); said != "" && tc.says == "" || !strings.Contains(said, tc.says) {
				t.Errorf("said: %q", said)
			}
		})
	}
}

func TestServiceAccounts(t *testing.T) {
	const mine = "vm@test-project.iam.gserviceaccount.com"
	for name, tc := range map[string]struct {
		given string
		found offer.Account
		fails bool
		says  string
	}{
		"one that is there is fine":     {mine, offer.Account{Email: mine}, false, ""},
		"one that is absent is told":    {mine, offer.Account{Email: mine, Absent: true}, true, "does not exist; list those of the project with: gcloud iam service-accounts list --project=test-project"},
		"one that is disabled is told":  {mine, offer.Account{Email: mine, Disabled: true}, true, "enable it with: gcloud iam service-accounts enable " + mine},
		"one that is hidden is a doubt": {mine, offer.Account{Email: mine, Unread: "no"}, false, "could not be read; no"},
		"the default may be absent too": {"default", offer.Account{Email: "1-compute@developer.gserviceaccount.com", Absent: true}, true, "no service account 1-compute@developer.gserviceaccount.com"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := blueprint.Choose(settings(t, "SERVICE_ACCOUNT="+tc.given), nil, &offer.Answer{ServiceAccount: &tc.found})
			if said := problems.Error(); (problems.Err() != nil) != tc.fails || said != "" && tc.says == "" || !strings.Contains(said, tc.says) {
				t.Errorf("said: %q", said)
			}
		})
	}
}
