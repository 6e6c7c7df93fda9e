package compute

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// admit refuses a call that its project, its caller or an organization policy does not allow.
func (c *call) admit() error {
	if imageProject(c.vars["project"]) {
		return nil
	}
	if err := cloud.CheckBilled(c.tx, c.vars["project"], computeHost); err != nil {
		return err
	}
	if err := c.authorize(); err != nil {
		return err
	}
	c.denied = c.accountRefusal()
	return c.constrained()
}

// located are the collections that constraints/gcp.resourceLocations is about (page "Resource locations supported services").
var located = []string{"Instances", "Disks", "RegionDisks", "InstanceGroupManagers", "RegionInstanceGroupManagers", "InstanceGroups", "Reservations"} //nolint:gochecknoglobals // a constant table

// constrained refuses what organization policies forbid to make. That templates are held to requireShieldedVm too is from a
// public report.
func (c *call) constrained() error {
	service, name, _ := strings.Cut(c.m.Name, ".")
	if name == "Insert" && slices.Contains(located, service) {
		if err := c.placed(); err != nil {
			return err
		}
	}
	switch c.m.Name {
	case "Instances.Insert":
		return c.allowed(c.instanceBody(), c.about())
	case "InstanceTemplates.Insert", "RegionInstanceTemplates.Insert":
		return c.hardened(doc.Object(c.body, "properties"))
	case "Instances.SetMetadata":
		return c.loggedIn(doc.Map{"metadata": c.body})
	}
	return nil
}

// violated is the refusal of an organization policy (public reports, with the reason).
func violated(message string) wire.APIError {
	return wire.APIError{Code: 412, Reason: "conditionNotMet", Message: message}
}

// placed has its words from the page "Restricting resource locations" and public reports.
func (c *call) placed() error {
	kind, place := "ZONE", c.vars["zone"]
	if place == "" {
		kind, place = "REGION", c.vars["region"]
	}
	if c.svc.cloud.AllowsLocation(c.tx, c.vars["project"], place) {
		return nil
	}
	return violated(fmt.Sprintf("Location %s:%s violates constraint %s on the resource %s.", kind, place, cloud.Locations, c.about()))
}

// allowed refuses a VM of some properties and of a path (public reports of the words).
func (c *call) allowed(d doc.Map, path string) error {
	external := slices.ContainsFunc(doc.Objects(d, "networkInterfaces"), func(nic doc.Map) bool { return len(doc.List(nic, "accessConfigs")) > 0 })
	if external && !c.svc.cloud.Allows(c.tx, c.vars["project"], cloud.ExternalAccess, path) {
		return violated(fmt.Sprintf("Constraint %s violated for project %s. Add instance %s to the constraint to use external IP with it.",
			cloud.ExternalAccess, cloud.Number(c.vars["project"]), path))
	}
	return c.hardened(d)
}

// hardened refuses machines without Secure Boot (public reports of the words), or without OS Login.
func (c *call) hardened(d doc.Map) error {
	if c.svc.cloud.Enforced(c.tx, c.vars["project"], cloud.RequireShielded) && !doc.Bool(d, "shieldedInstanceConfig", "enableSecureBoot") {
		return violated(fmt.Sprintf("Constraint %s violated for project %s. Secure Boot is not enabled in the 'shielded_instance_config' field. "+
			"See https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints for more information.", cloud.RequireShielded, c.project()))
	}
	return c.loggedIn(d)
}

// loggedIn refuses metadata that turn OS Login off (page "Manage OS Login in an organization"; the words are assumed).
func (c *call) loggedIn(d doc.Map) error {
	if !c.svc.cloud.Enforced(c.tx, c.vars["project"], cloud.RequireOSLogin) {
		return nil
	}
	for _, item := range doc.Objects(d, "metadata", "items") {
		if doc.Str(item, "key") == "enable-oslogin" && strings.EqualFold(doc.Str(item, "value"), "false") {
			return violated(fmt.Sprintf("Constraint %s violated for project %s. The metadata key enable-oslogin must not be set to FALSE.", cloud.RequireOSLogin, c.project()))
		}
	}
	return nil
}

// refusedVM is allowed for a VM that a group makes: there it is an error of the operation (public report: landing-zone issue).
func (c *call) refusedVM(d doc.Map, path string) *faults.OperationError {
	if !c.svc.cloud.AllowsLocation(c.tx, c.vars["project"], c.vars["zone"]) {
		return &faults.OperationError{Code: "CONDITION_NOT_MET", HTTPStatus: 412, Message: fmt.Sprintf(
			"Location ZONE:%s violates constraint %s on the resource %s.", c.vars["zone"], cloud.Locations, path)}
	}
	if err := c.allowed(d, path); err != nil {
		return &faults.OperationError{Code: "CONDITION_NOT_MET", HTTPStatus: 412, Message: refusalText(err)}
	}
	return c.missingAccount(d, "'%s'")
}

// accountRefusal is how the operation of a call ends that has a machine use a service account which the caller may not use, or
// which is not there; nil when nothing is wrong. The codes, and that it is the operation that fails, are from public reports for
// VMs and groups (SERVICE_ACCOUNT_ACCESS_DENIED with HTTP 400, EXTERNAL_RESOURCE_NOT_FOUND); for templates, whose reference page
// names actAs too, the same is assumed. Whether an account is there no template checks. A disabled one refuses nobody: assumed.
func (c *call) accountRefusal() *faults.OperationError {
	var d doc.Map
	absent := "'%s'"
	switch c.m.Name {
	case "Instances.Insert":
		d = c.instanceBody()
	case "Instances.SetServiceAccount":
		d = doc.Map{"serviceAccounts": []any{doc.Map{"email": c.body["email"]}}}
	case "Instances.SetMetadata":
		absent = ""
		if o, ok := c.lookup(strings.TrimSuffix(c.path, "/setMetadata")); ok {
			d = o.Doc
		}
	case "InstanceTemplates.Insert", "RegionInstanceTemplates.Insert":
		d, absent = doc.Object(c.body, "properties"), ""
	case "InstanceGroupManagers.Insert", "InstanceGroupManagers.Patch", "InstanceGroupManagers.SetInstanceTemplate":
		template := doc.Str(c.body, "instanceTemplate")
		for _, v := range doc.Objects(c.body, "versions") {
			template = cmp.Or(template, doc.Str(v, "instanceTemplate"))
		}
		if o, ok := c.lookup(pathOf(template, c.project())); ok && template != "" {
			d, absent = doc.Object(o.Doc, "properties"), "'One of [%s]'"
		}
	}
	for _, email := range c.accounts(d) {
		if !c.svc.cloud.Permitted("iam.serviceAccounts.actAs") {
			return &faults.OperationError{Code: "SERVICE_ACCOUNT_ACCESS_DENIED", HTTPStatus: 400, Message: fmt.Sprintf(
				"The user does not have access to service account '%s'.  User: '%s'.  Ask a project owner to grant you the iam.serviceAccountUser role on the service account",
				email, cloud.Caller)}
		}
	}
	if absent == "" {
		return nil
	}
	return c.missingAccount(d, absent)
}

// missingAccount is how an operation ends whose machine uses a service account that is not there.
func (c *call) missingAccount(d doc.Map, form string) *faults.OperationError {
	if !c.svc.cloud.KnowsAccounts() {
		return nil
	}
	for _, email := range c.accounts(d) {
		if _, ok := c.svc.cloud.FindAccount(c.tx, email); !ok {
			return &faults.OperationError{Code: "EXTERNAL_RESOURCE_NOT_FOUND", HTTPStatus: 404,
				Message: fmt.Sprintf("The resource "+form+" of type 'serviceAccount' was not found.", email)}
		}
	}
	return nil
}

// accounts are the service accounts of a machine, by address; "default" is the project's.
func (c *call) accounts(d doc.Map) []string {
	var out []string
	for _, a := range doc.Objects(d, "serviceAccounts") {
		switch email := doc.Str(a, "email"); email {
		case "":
		case "default":
			out = append(out, cloud.Number(c.vars["project"])+"-compute@developer.gserviceaccount.com")
		default:
			out = append(out, email)
		}
	}
	return out
}
