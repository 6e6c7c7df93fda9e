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
		"POST https://serviceusage.googleapis.com/v1/projects/no-such-project/services:batchEnable",
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
