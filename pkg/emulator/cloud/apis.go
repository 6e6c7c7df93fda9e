package cloud

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

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
			Help("Google developers console API activation", link),
			ErrorInfo("SERVICE_DISABLED", "googleapis.com", doc.Map{"service": api, "consumer": "projects/" + Number(project)}),
		},
	}
}
