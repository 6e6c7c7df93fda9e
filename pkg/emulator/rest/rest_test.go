package rest_test

import (
	"maps"
	"net/url"
	"testing"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/iam/admin/apiv1/adminpb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
)

func TestMethodsAreFoundByTheirAnnotations(t *testing.T) {
	router, err := rest.NewRouter(nil, computepb.File_google_cloud_compute_v1_compute_proto)
	if err != nil {
		t.Fatal(err)
	}
	verbs, err := rest.NewRouter(nil, adminpb.File_google_iam_admin_v1_iam_proto)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name       string
		router     *rest.Router
		verb, path string
		want       string
		vars       map[string]string
	}{
		{"variables by their wire names", router, "GET", "/compute/v1/projects/p/zones/z/instanceGroupManagers/m", "InstanceGroupManagers.Get", map[string]string{"project": "p", "zone": "z", "instanceGroupManager": "m"}},
		{"literal parts before variables", router, "GET", "/compute/v1/projects/p/global/images/family/f", "Images.GetFromFamily", map[string]string{"project": "p", "family": "f"}},
		{"a project id with a colon, escaped", router, "GET", "/compute/v1/projects/example.com%3Ap", "Projects.Get", map[string]string{"project": "example.com:p"}},
		{"the verb counts", router, "PUT", "/compute/v1/projects/p/global/networks", "", nil},
		{"an empty variable is none", router, "GET", "/compute/v1/projects//global/networks", "", nil},
		{"a variable of several segments", verbs, "GET", "/v1/projects/p/serviceAccounts/a@b", "IAM.GetServiceAccount", map[string]string{"name": "projects/p/serviceAccounts/a@b"}},
		{"a method behind a colon", verbs, "POST", "/v1/projects/p/serviceAccounts/a:disable", "IAM.DisableServiceAccount", map[string]string{"name": "projects/p/serviceAccounts/a"}},
		{"an unknown method behind a colon is no part of a name", verbs, "POST", "/v1/projects/p/serviceAccounts/a:paint", "", nil},
		{"the parts of a variable are checked", verbs, "GET", "/v1/projects/p/accounts/a", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, vars := tc.router.Find(tc.verb, tc.path)
			have := ""
			if m != nil {
				have = m.Name
			}
			if have != tc.want || !maps.Equal(vars, tc.vars) {
				t.Errorf("%q %v", have, vars)
			}
		})
	}
}

func TestAHandlerWithoutAMethodIsAMistake(t *testing.T) {
	if _, err := rest.NewRouter([]string{"Networks.Paint"}, computepb.File_google_cloud_compute_v1_compute_proto); err == nil {
		t.Error("it was accepted")
	}
}

func TestQueriesAndBodiesAreStrict(t *testing.T) {
	router, err := rest.NewRouter(nil, computepb.File_google_cloud_compute_v1_compute_proto)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := router.Find("POST", "/compute/v1/projects/p/global/networks")
	for query, good := range map[string]bool{"requestId=1&alt=json": true, "colour=red": false, "networkResource=x": false,
		"$.xgafv=2&prettyPrint=false&key=k&quotaUser=u&alt=json": true, "alt=proto": false, "fields=name,error/errors(code)": true,
		"fields=name,colour": false, "fields=error/colour": false, "$fields=*": true, "uniqueId=1": false} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.CheckQuery(q); (err == nil) != good {
			t.Errorf("%s: %v", query, err)
		}
	}
	for body, good := range map[string]bool{`{"name":"n","mtu":1460}`: true, `{"colour":"red"}`: false, `{"mtu":"many"}`: false, ``: false, `{`: false} {
		if _, err := m.DecodeBody([]byte(body)); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestListsKnowTheFieldsOfWhatTheyList(t *testing.T) {
	router, err := rest.NewRouter(nil, computepb.File_google_cloud_compute_v1_compute_proto)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		verb, path, field string
		want              bool
	}{
		{"GET", "global/networks", "routingConfig.routingMode", true},
		{"GET", "global/networks", "labels.team", false},
		{"GET", "zones/z/instances", "labels.team", true},
		{"GET", "zones/z/instances", "metadata.team", false},
		{"GET", "zones/z/instances", "networkInterfaces.network", true},
		{"GET", "aggregated/instances", "labels.a.b", true},
		{"GET", "aggregated/instances", "colour", false},
		{"POST", "zones/z/instanceGroupManagers/m/listManagedInstances", "currentAction", true},
		{"GET", "zones/z/instanceGroupManagers/m/listErrors", "error.code", true},
	} {
		m, _ := router.Find(tc.verb, "/compute/v1/projects/p/"+tc.path)
		if have := m.Lists(tc.field); have != tc.want {
			t.Errorf("%s: %s: %v", tc.path, tc.field, have)
		}
	}
}

func TestCaseOfTruthDoesNotCount(t *testing.T) {
	for given, want := range map[string]bool{"true": true, "True": true, "false": false, "False": false, "": false, "yes": false} {
		if rest.True(url.Values{"a": {given}}, "a") != want {
			t.Errorf("%q is %v", given, !want)
		}
	}
}

func TestPagesCoverAListOnce(t *testing.T) {
	items := []int{1, 2, 3, 4, 5}
	var seen []int
	for token, more := "", true; more; more = token != "" {
		page, next, ok := rest.Page(items, 2, token)
		if !ok {
			t.Fatal("a token of our own is refused")
		}
		seen, token = append(seen, page...), next
	}
	if len(seen) != 5 {
		t.Errorf("%v", seen)
	}
	if _, _, ok := rest.Page(items, 2, "rubbish"); ok {
		t.Error("a foreign token is accepted")
	}
}
