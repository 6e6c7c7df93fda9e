package compute

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// A per-instance config is what a group preserves for one of its VMs: an object GROUP/configs/VM. Here that is metadata; stateful
// disks and addresses are refused. It becomes effective when it is applied to the VM, and so does its removal: until then it is
// UNAPPLIED_DELETION (discovery document; reported: terraform-provider-google#14065).

// emptyFingerprint is the fingerprint of a config that holds nothing (reported: terraform-provider-google#14065), as it is of tags
// and metadata that hold nothing (recorded).
const emptyFingerprint = "42WmSpB8rSM="

func configName(m *world.Object) string { return groupOf(m) + "/configs/" + basename(m.Name) }

// configOf is the fingerprint of the config that a member should have; "" when it should have none.
func configOf(tx *world.Tx, m *world.Object) string {
	o, ok := tx.Get(configName(m))
	if !ok || doc.Bool(o.Note, "deleted") {
		return ""
	}
	return doc.Str(o.Doc, "fingerprint")
}

// applyConfig lets the config of a member take effect and gives the metadata that it sets.
func applyConfig(tx *world.Tx, m *world.Object) map[string]any {
	delete(m.Note, "config")
	delete(m.Note, "preserved")
	o, ok := tx.Get(configName(m))
	if !ok {
		return nil
	}
	if doc.Bool(o.Note, "deleted") {
		tx.Delete(o.Name)
		return nil
	}
	m.Note["config"] = doc.Str(o.Doc, "fingerprint")
	meta := doc.Object(o.Doc, "preservedState", "metadata")
	if len(meta) > 0 {
		m.Note["preserved"] = doc.Clone(meta)
	}
	return meta
}

// configStatus says whether a group is stateful, that is whether it has a config that holds something (page on how stateful groups
// work), and whether all configs are effective.
func configStatus(tx *world.Tx, o *world.Object) (stateful, effective bool) {
	effective = true
	for _, config := range tx.List(o.Name + "/configs") {
		stateful = stateful || !hollow(config.Doc["preservedState"])
		effective = effective && configState(tx, config) == "EFFECTIVE"
	}
	return stateful, effective
}

func configState(tx *world.Tx, config *world.Object) string {
	m, ok := tx.Get(parentPath(parentPath(config.Name)) + "/managed/" + basename(config.Name))
	busy := ok && (actionOf(m) == "REFRESHING" || actionOf(m) == "RESTARTING" || actionOf(m) == "RECREATING" || actionOf(m) == "CREATING")
	switch deleted := doc.Bool(config.Note, "deleted"); {
	case deleted && busy:
		return "DELETING"
	case deleted:
		return "UNAPPLIED_DELETION"
	case ok && doc.Str(m.Note, "config") == doc.Str(config.Doc, "fingerprint"):
		return "EFFECTIVE"
	case busy:
		return "APPLYING"
	}
	return "UNAPPLIED"
}

func checkConfig(one doc.Map, field string) error {
	state := doc.Object(one, "preservedState")
	for _, part := range []string{"disks", "internalIPs", "externalIPs"} {
		if !hollow(state[part]) {
			return notImplemented("per-instance configs with preservedState." + part)
		}
	}
	wrapped := doc.Map{}
	setItems(wrapped, doc.Object(state, "metadata"))
	return checkMetadata(wrapped, field+".preservedState.", machines.Type{})
}

// putConfig stores a config, or merges it into the one that is there: a null removes a key.
func putConfig(c *call, o *world.Object, one doc.Map) {
	name := o.Name + "/configs/" + doc.Str(one, "name")
	d := doc.Map{}
	if had, ok := c.tx.Get(name); ok && !doc.Bool(had.Note, "deleted") {
		d = doc.Clone(had.Doc)
	}
	doc.Merge(d, one)
	if d["fingerprint"] = emptyFingerprint; hollow(d["preservedState"]) {
		delete(d, "preservedState")
	} else {
		d["fingerprint"] = c.fingerprint()
	}
	delete(d, "status")
	c.tx.Put(&world.Object{Name: name, Created: c.tx.Now(), Doc: d})
}

// putConfigs is patchPerInstanceConfigs and updatePerInstanceConfigs, which the discovery document describes alike. The VM must be a
// member.
func putConfigs(c *call, o *world.Object) (func(), error) {
	wanted := doc.Objects(c.body, "perInstanceConfigs")
	if len(wanted) == 0 {
		return nil, required("perInstanceConfigs")
	}
	for i, one := range wanted {
		field := fmt.Sprintf("perInstanceConfigs[%d]", i)
		name := doc.Str(one, "name")
		if m, ok := c.tx.Get(o.Name + "/managed/" + name); name == "" || !ok || leaving(m) {
			return nil, invalid(field+".name", name, "The instance is not a member of the group.")
		}
		if err := checkConfig(one, field); err != nil {
			return nil, err
		}
		had, ok := c.tx.Get(o.Name + "/configs/" + name)
		if f := doc.Str(one, "fingerprint"); ok && f != "" && !draws.SameToken(f, doc.Str(had.Doc, "fingerprint")) {
			return nil, badFingerprint("Invalid fingerprint.")
		}
	}
	return func() {
		for _, one := range wanted {
			putConfig(c, o, one)
		}
	}, nil
}

func deleteConfigs(c *call, o *world.Object) (func(), error) {
	names := doc.Words(c.body, "names")
	if len(names) == 0 {
		return nil, required("names")
	}
	for i, name := range names {
		if config, ok := c.tx.Get(o.Name + "/configs/" + name); !ok || doc.Bool(config.Note, "deleted") {
			return nil, invalid(fmt.Sprintf("names[%d]", i), name, "There is no per-instance config of this name.")
		}
	}
	return func() {
		for _, name := range names {
			config, ok := c.tx.Get(o.Name + "/configs/" + name)
			if !ok {
				continue
			}
			if configState(c.tx, config) == "UNAPPLIED" { // the VM never knew it
				c.tx.Delete(config.Name)
				continue
			}
			config.Note = map[string]any{"deleted": true}
			config.Doc = doc.Map{"name": name, "fingerprint": emptyFingerprint}
			c.tx.Put(config)
		}
	}, nil
}

func listConfigs(c *call, k *collection) (any, error) {
	o, err := k.target(c)
	if err != nil {
		return nil, err
	}
	filter, err := c.filter()
	if err != nil {
		return nil, err
	}
	var items []doc.Map
	for _, config := range c.tx.List(o.Name + "/configs") {
		d := doc.Clone(config.Doc)
		d["status"] = configState(c.tx, config)
		if filter.Match(d) {
			items = append(items, d)
		}
	}
	shown, next, err := slice(c, items)
	return rest.Listed("items", shown, next), err
}
