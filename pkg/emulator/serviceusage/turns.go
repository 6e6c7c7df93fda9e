package serviceusage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// needs says which other services a service depends on: they are enabled with it, and cannot be disabled under it (public
// reports: terraform-provider-google issue 5424 for container, magic-modules pull request 4200 for compute). Further ones there
// surely are; those of services that the emulator does not know are of no consequence here.
var needs = map[string][]string{ //nolint:gochecknoglobals // a constant table
	"container.googleapis.com": {"compute.googleapis.com"},
	"compute.googleapis.com":   {"oslogin.googleapis.com"},
}

// paid are the services that cannot be enabled without billing, of those that the emulator knows (public reports for compute;
// the others by their prices).
var paid = []string{"compute.googleapis.com", "container.googleapis.com", "file.googleapis.com", "notebooks.googleapis.com"} //nolint:gochecknoglobals // a constant table

// found disables in a project that was made what is not enabled in every new project (page "Services enabled by default"). What
// the emulator itself has, cloud.Make has seen to.
func (svc *service) found(tx *world.Tx, project string) error {
	if !cloud.Made(tx, project) {
		return nil
	}
	for api := range known() {
		own := slices.ContainsFunc(svc.cloud.Services(), func(s cloud.Service) bool { return s.Host == api })
		if !own && api != "monitoring.googleapis.com" {
			cloud.PutSwitch(tx, project, api, true)
		}
	}
	return nil
}

// with gives services with all that they depend on, directly or not, as far as it is known.
func (c *call) with(apis []string) []string {
	var out []string
	known := c.svc.apis()
	var add func(string)
	add = func(api string) {
		if _, ok := known[api]; !ok || slices.Contains(out, api) {
			return
		}
		out = append(out, api)
		for _, needed := range needs[api] {
			add(needed)
		}
	}
	for _, api := range apis {
		add(api)
	}
	return out
}

// under gives the enabled services that depend on a service, directly or not, sorted.
func (c *call) under(api string) []string {
	var out []string
	for _, other := range slices.Sorted(maps.Keys(needs)) {
		if other != api && cloud.Enabled(c.tx, c.project, other) && slices.Contains(c.with([]string{other}), api) {
			out = append(out, other)
		}
	}
	return out
}

// billed refuses to enable without billing what must be paid for (public report: zeta issue 71).
func (c *call) billed(apis []string) error {
	var costly []string
	for _, api := range apis {
		if slices.Contains(paid, api) && !cloud.Enabled(c.tx, c.project, api) {
			costly = append(costly, api)
		}
	}
	if len(costly) == 0 || cloud.Billing(c.tx, c.project) != "" {
		return nil
	}
	number, names := cloud.Number(c.project), strings.Join(costly, ",")
	subject := "?error_code=390001&project=" + number + "&services=" + strings.Join(costly, "&services=")
	return wire.APIError{
		Code: 400, Reason: "failedPrecondition", Status: "FAILED_PRECONDITION",
		Message: fmt.Sprintf("Billing account for project '%s' is not found. Billing must be enabled for activation of service(s) '%s' to proceed.", number, names),
		Details: []doc.Map{
			{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": []any{doc.Map{"type": "googleapis.com/billing-enabled", "subject": subject}}},
			cloud.ErrorInfo("UREQ_PROJECT_BILLING_NOT_FOUND", host+"/billing-enabled", doc.Map{"project": number, "services": names}),
		},
	}
}

func enable(c *call) (any, error) {
	if err := c.known(c.api); err != nil {
		return nil, err
	}
	apis := c.with([]string{c.api})
	if err := c.billed(apis); err != nil {
		return nil, err
	}
	return c.start(turn{on: true, apis: apis, verb: "EnableService", response: doc.Map{"service": c.shown(c.api, true)}})
}

// ids are the services of batchEnable.
func (c *call) ids() []string { return doc.Words(c.body, "serviceIds") }

// batchEnable takes one to 20 services (descriptor of BatchEnableServicesRequest).
func batchEnable(c *call) (any, error) {
	ids := c.ids()
	if len(ids) == 0 || len(ids) > 20 {
		return nil, errArgument
	}
	if err := c.known(ids...); err != nil {
		return nil, err
	}
	apis := c.with(ids)
	if err := c.billed(apis); err != nil {
		return nil, err
	}
	var shown []any
	for _, api := range ids {
		shown = append(shown, c.shown(api, true))
	}
	return c.start(turn{on: true, apis: apis, verb: "BatchEnableServices", response: doc.Map{"services": shown}})
}

// disable refuses while others depend on the service, unless it is to take them along (public report of the words:
// terraform-provider-google issue 5424), and, if it is to look, while the service is in use. In use here means that the project
// has things of it that it did not have from the start; the cloud means calls of the last 30 days (descriptor of
// DisableServiceRequest), and its words are assumed.
func disable(c *call) (any, error) {
	if err := c.known(c.api); err != nil {
		return nil, err
	}
	others := c.under(c.api)
	if len(others) > 0 && !doc.Bool(c.body, "disableDependentServices") {
		noun := "service"
		if len(others) > 1 {
			noun = "services"
		}
		return nil, wire.APIError{Code: 400, Reason: "failedPrecondition", Status: "FAILED_PRECONDITION", Message: fmt.Sprintf(
			"The service %s is depended on by the following active %s: %s; Please specify disable_dependent_services=true if you want to proceed with disabling all services.",
			c.api, noun, strings.Join(others, ","))}
	}
	apis := append([]string{c.api}, others...)
	if doc.Str(c.body, "checkIfServiceHasUsage") == "CHECK" {
		for _, api := range apis {
			if c.used(api) {
				return nil, wire.APIError{Code: 400, Reason: "failedPrecondition", Status: "FAILED_PRECONDITION",
					Message: fmt.Sprintf("The service %s has been used in the last 30 days. Please specify check_if_service_has_usage=SKIP if you want to proceed.", api)}
			}
		}
	}
	return c.start(turn{apis: apis, verb: "DisableService", response: doc.Map{"service": c.shown(c.api, false)}})
}

func (c *call) used(api string) bool {
	for _, o := range c.tx.All() {
		if o.Service == api && !o.Builtin && o.Kind != "" && !c.svc.cloud.Ledger.IsOperation(o.Kind) && strings.Contains(o.Name+"/", "/projects/"+c.project+"/") {
			return true
		}
	}
	return false
}
