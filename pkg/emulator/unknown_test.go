package emulator_test

import (
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// What is not emulated says so before anything else is looked at: not that a project, a thing or a right is missing.
func TestUnknownVerbsAre501BeforeAllElse(t *testing.T) {
	_, c := newEmulator(t, emulator.Options{Disabled: []string{"compute.googleapis.com", "iam.googleapis.com"}})
	for _, call := range []string{
		"POST https://compute.googleapis.com/compute/v1/projects/no-such-project/zones/nowhere/instances/none/sendDiagnosticInterrupt",
		"POST https://compute.googleapis.com/compute/v1/projects/Not_a_project/global/networks/none/paint?colour=red",
		"PUT https://compute.googleapis.com/compute/v1/projects/test-project/global/networks/none",
		"GET https://compute.googleapis.com/compute/alpha/projects/no-such-project/global/networks",
		"POST https://iam.googleapis.com/v1/projects/no-such-project/serviceAccounts/none:paint",
		"GET https://iam.googleapis.com/v1/organizations/1/roles",
		"DELETE https://serviceusage.googleapis.com/v1/projects/no-such-project/services/none",
		"POST https://serviceusage.googleapis.com/v1/projects/test-project/services/none:paint",
		"PUT https://cloudbilling.googleapis.com/v1/projects/no-such-project/billingAccounts",
		"GET https://container.googleapis.com/v1/projects/no-such-project/locations/-/clusters",
	} {
		method, url, _ := strings.Cut(call, " ")
		if status, v := c.call(method, url, ""); status != 501 || !strings.HasPrefix(message(v), "the emulator does not know "+method+" /") {
			t.Errorf("%s: %d %v", call, status, v)
		}
	}
}

// Compute Engine ignores names that it does not know, and the log shows which. IAM refuses them.
func TestNamesThatAreIgnoredAreMarked(t *testing.T) {
	em, c := newEmulator(t, emulator.Options{})
	c.done("POST", base+"global/networks", `{"name":"net","autoCreateSubnetworks":false,"routingConfig":{"deleteBgpAlwaysCompareMed":false},"colour":null}`)
	if status, v := c.call("POST", iam, `{"accountId":"account","colour":1}`); status != 400 {
		t.Errorf("%d %v", status, v)
	}
	all, err := em.Calls()
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, call := range all {
		have = append(have, call.Ignored...)
	}
	if want := "resource.colour resource.routing_config.deleteBgpAlwaysCompareMed"; strings.Join(have, " ") != want {
		t.Errorf("%q", have)
	}
}
