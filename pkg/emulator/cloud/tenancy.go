package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// projectID is the form of a project id, with the older domain-scoped one.
var projectID = regexp.MustCompile(`^(?:[a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// Exists says whether a project is one of the world's.
func (c *Cloud) Exists(project string) bool {
	if len(c.Projects) > 0 {
		return slices.Contains(c.Projects, project)
	}
	return projectID.MatchString(project) && !strings.HasPrefix(project, "no-such-")
}

// Number is the number of a project.
func Number(project string) string {
	return fmt.Sprint(100000000000 + uint64(draws.Uniform(0, project, 1)*899999999999))
}

// Found puts what a new project has into the world when a project is seen for the first time.
func (c *Cloud) Found(tx *world.Tx, project string) error {
	seen := "founded/" + project
	if _, ok := tx.Get(seen); ok {
		return nil
	}
	tx.Put(&world.Object{Name: seen})
	for _, api := range c.Options.Disabled {
		PutSwitch(tx, project, api, true)
	}
	for _, s := range c.Services() {
		if found := c.servers[s.Host].Found; found != nil {
			if err := found(tx, project); err != nil {
				return err
			}
		}
	}
	return nil
}

// Permitted says whether the caller has an IAM permission.
func (c *Cloud) Permitted(permission string) bool { return !slices.Contains(c.Denied, permission) }

// Held gives those of some permissions that the caller has.
func (c *Cloud) Held(permissions []string) []any {
	var held []any
	for _, p := range permissions {
		if c.Permitted(p) {
			held = append(held, p)
		}
	}
	return held
}

// Enabled says whether an API is enabled in a project.
func Enabled(tx *world.Tx, project, api string) bool {
	o, ok := Switch(tx, project, api)
	return !ok || !o.Ready
}

// Switch is what is there while an API is disabled in a project: ready when it is, doomed while it is being enabled.
func Switch(tx *world.Tx, project, api string) (*world.Object, bool) {
	return tx.Get("disabled/" + project + "/" + api)
}

// PutSwitch disables an API in a project: now, or when the switch becomes ready.
func PutSwitch(tx *world.Tx, project, api string, ready bool) *world.Object {
	o := &world.Object{Name: "disabled/" + project + "/" + api, Ready: ready}
	tx.Put(o)
	return o
}

// CheckEnabled refuses a call of an API that is not enabled (recorded: c7n-error-403-service-disabled-errorinfo.json).
func (c *Cloud) CheckEnabled(tx *world.Tx, project, api string) error {
	if Enabled(tx, project, api) {
		return nil
	}
	title := c.services[api].Title
	link := fmt.Sprintf("https://console.developers.google.com/apis/api/%s/overview?project=%s", api, Number(project))
	return wire.APIError{
		Code: 403, Reason: "accessNotConfigured", Domain: "usageLimits", Status: "PERMISSION_DENIED",
		Message: fmt.Sprintf("%s has not been used in project %s before or it is disabled. Enable it by visiting %s then retry. "+
			"If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.", title, Number(project), link),
		Details: []doc.Map{
			{"@type": "type.googleapis.com/google.rpc.Help", "links": []any{doc.Map{"description": "Google developers console API activation", "url": link}}},
			{
				"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com",
				"metadata": doc.Map{"service": api, "consumer": "projects/" + Number(project)},
			},
		},
	}
}
