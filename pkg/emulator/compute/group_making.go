package compute

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// makeVM makes the VM of a member, or records why it cannot be made.
func (svc *service) makeVM(tx *world.Tx, o, m *world.Object) {
	c := svc.inZone(tx, o)
	path := c.scope() + "/instances/" + basename(m.Name)
	refused := svc.attempt(c, o, m, path)
	delete(m.Note, "code")
	delete(m.Note, "message")
	if refused != nil {
		m.Note["code"] = refused.Code
		m.Note["message"] = fmt.Sprintf("Instance '%s' creation failed: %s", basename(m.Name), refused.Message)
		svc.recordError(tx, o, m)
		svc.plan(tx, o, "retry", retryAfter)
	}
	tx.Put(m)
}

// attempt asks the fault plan about a VM that a group makes, and makes it.
func (svc *service) attempt(c *call, o, m *world.Object, path string) *faults.OperationError {
	c.fx = svc.cloud.Strike("POST", "/"+computeHost+"/compute/v1/"+path)
	if refused := attemptFails(c.fx, c.vars["project"], c.vars["zone"]); refused != nil {
		return refused
	}
	return svc.buildVM(c, o, m, path)
}

// attemptFails is how an attempt ends by the fault plan; nil when it goes well. An error answer becomes an error of the attempt: its
// code is the reason as operations spell it. A connection that breaks before anything is done is an internal error; one that
// breaks afterwards is nothing, for the group sees that its VM is there.
func attemptFails(fx faults.Effect, project, zone string) *faults.OperationError {
	switch {
	case fx.Fail != nil:
		out := &faults.OperationError{Code: operationCode(fx.Fail), Message: fx.Fail.Message, HTTPStatus: fx.Fail.Status}
		if out.Message == "" {
			out.Message = http.StatusText(fx.Fail.Status)
		}
		return out
	case fx.Drop:
		return &faults.OperationError{Code: "INTERNAL_ERROR", HTTPStatus: http.StatusInternalServerError, Message: "Internal error"}
	}
	return failsWith(fx, project, zone)
}

var humps = regexp.MustCompile(`([a-z])([A-Z])`)

// operationCode is the code that an operation has for what a refusal has a reason for (gcp-facts, sections 1 and 2).
func operationCode(e *faults.Error) string {
	switch e.Reason {
	case "":
		return strings.ToUpper(strings.ReplaceAll(http.StatusText(e.Status), " ", "_"))
	case "notFound":
		return "RESOURCE_NOT_FOUND"
	case "alreadyExists":
		return "RESOURCE_ALREADY_EXISTS"
	}
	return strings.ToUpper(humps.ReplaceAllString(e.Reason, "${1}_$2"))
}

func (svc *service) buildVM(c *call, o, m *world.Object, path string) *faults.OperationError {
	template, ok := c.tx.Get(worldName(doc.Str(m.Note, "template")))
	if !ok {
		return &faults.OperationError{Code: "RESOURCE_NOT_FOUND", HTTPStatus: 404, Message: notFound(doc.Str(m.Note, "template")).Message}
	}
	if _, taken := c.tx.Get(worldName(path)); taken { // somebody else's VM, made under this name meanwhile
		return &faults.OperationError{Code: "RESOURCE_ALREADY_EXISTS", HTTPStatus: 409, Message: alreadyExists(path).Message}
	}
	d := doc.Clone(doc.Object(template.Doc, "properties"))
	d["name"] = basename(path)
	svc.override(c.tx, o, m, d)
	if err := c.prepareMachine(d, "resource.", c.vars["zone"]); err != nil {
		return &faults.OperationError{Code: "INVALID_ARGUMENT", HTTPStatus: 400, Message: refusalText(err)}
	}
	if refused := c.refusedVM(d, path); refused != nil {
		return refused
	}
	setItems(d, map[string]any{"instance-template": doc.Str(m.Note, "template"), "created-by": objectPath(o)})
	vm := c.place(c.svc.collections["instances"], path, d)
	vm.Owner = o.Name
	if full := c.equip(vm); full != nil {
		c.tx.Delete(vm.Name)
		return full
	}
	m.Note["vm"] = "made"
	takes := svc.cloud.Draw(c.tx, "compute_instance.create") + svc.cloud.Scaled(c.fx.Delay)
	c.tx.At(c.tx.Now().Add(takes/3), "vm", vm.Name, "STAGING")
	c.tx.At(c.tx.Now().Add(takes), "vm", vm.Name, "RUNNING")
	return nil
}

// override puts over the properties of a template what is set for all VMs of the group, and over that what the per-instance config
// of this one says, and remembers what was applied.
func (svc *service) override(tx *world.Tx, o, m *world.Object, properties doc.Map) {
	all := doc.Object(o.Doc, "allInstancesConfig", "properties")
	if labels := doc.Object(all, "labels"); len(labels) > 0 {
		merged := maps.Clone(doc.Object(properties, "labels"))
		if merged == nil {
			merged = doc.Map{}
		}
		maps.Copy(merged, labels)
		properties["labels"] = merged
	}
	setItems(properties, doc.Object(all, "metadata"))
	if m.Note["revision"] = doc.Str(o.Note, "revision"); m.Note["revision"] == "" {
		delete(m.Note, "revision")
	}
	setItems(properties, applyConfig(tx, m))
}

// setItems sets metadata, each key once.
func setItems(properties doc.Map, values map[string]any) {
	if len(values) == 0 {
		return
	}
	meta := doc.Object(properties, "metadata")
	if meta == nil {
		meta = doc.Map{}
		properties["metadata"] = meta
	}
	items := slices.DeleteFunc(slices.Clone(doc.List(meta, "items")), func(item any) bool {
		d, _ := item.(doc.Map)
		_, again := values[doc.Str(d, "key")]
		return again
	})
	for _, key := range slices.Sorted(maps.Keys(values)) {
		items = append(items, doc.Map{"key": key, "value": values[key]})
	}
	meta["items"] = items
}

func refusalText(err error) string {
	if f, ok := err.(wire.APIError); ok { //nolint:errorlint // made a few lines above, never wrapped
		return f.Message
	}
	return err.Error()
}
