package iam

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

var errArgument = wire.APIError{Code: 400, Reason: "badRequest", Message: "Request contains an invalid argument."}

// patch changes what the mask names, and answers with that and the name alone (recorded: iam-serviceaccount.log). Only two
// fields can be changed (descriptor of PatchServiceAccountRequest).
func patch(c *call) (any, error) {
	o, err := c.account()
	if err != nil {
		return nil, err
	}
	mask := doc.Str(c.body, "updateMask")
	if mask == "" { // descriptor, as above: the mask is needed; the words are assumed
		return nil, errArgument
	}
	given := doc.Object(c.body, "serviceAccount")
	if err := fresh(o, given); err != nil {
		return nil, err
	}
	out := doc.Map{"name": o.Doc["name"]}
	for field := range strings.SplitSeq(mask, ",") {
		if !slices.Contains([]string{"displayName", "description"}, field) {
			return nil, errArgument
		}
		c.put(o, field, doc.Str(given, field))
		if v, ok := o.Doc[field]; ok {
			out[field] = v
		}
	}
	return out, nil
}

// update replaces the display name, and the description where there is one, and answers with the account (descriptor of
// UpdateServiceAccount: superseded by patch).
func update(c *call) (any, error) {
	o, err := c.account()
	if err != nil {
		return nil, err
	}
	if err := fresh(o, c.body); err != nil {
		return nil, err
	}
	c.put(o, "displayName", doc.Str(c.body, "displayName"))
	if v := doc.Str(c.body, "description"); v != "" {
		c.put(o, "description", v)
	}
	return o.Doc, nil
}

// fresh refuses a change of what somebody else has changed meanwhile. The words are those of policies: assumed for accounts.
func fresh(o *world.Object, given doc.Map) error {
	if etag := doc.Str(given, "etag"); etag != "" && !draws.SameToken(etag, doc.Str(o.Doc, "etag")) {
		return wire.APIError{Code: 409, Reason: "aborted", Status: "ABORTED", Message: "There were concurrent changes. Please retry the whole read-modify-write with exponential backoff."}
	}
	return nil
}

func (c *call) put(o *world.Object, field, value string) {
	o.Doc[field] = value
	if value == "" {
		delete(o.Doc, field)
	}
	o.Doc["etag"] = draws.Etag(c.tx.Count())
	c.tx.Put(o)
}

// kept is how long a deleted account can be had back (descriptor of DeleteServiceAccount).
const kept = 30 * 24 * time.Hour

func graveName(uniqueID string) string { return "iam-deleted/" + uniqueID }

// remove takes an account away at once (recorded: iam-serviceaccount.log, with the empty answer).
func remove(c *call) (any, error) {
	o, err := c.account()
	if err != nil {
		return nil, err
	}
	c.tx.Delete(o.Name)
	grave := &world.Object{Name: graveName(doc.Str(o.Doc, "uniqueId")), Created: c.tx.Now(), Doc: o.Doc, Note: map[string]any{"builtin": o.Builtin}}
	maps.Copy(grave.Note, o.Note)
	c.tx.Put(grave)
	return doc.Map{}, nil
}

// undelete gives back an account that is named by its unique id (descriptor of UndeleteServiceAccount). That one whose address
// was given to another meanwhile, or which was deleted too long ago, is unknown, is assumed.
func undelete(c *call) (any, error) {
	grave, ok := c.tx.Get(graveName(c.name[strings.LastIndexByte(c.name, '/')+1:]))
	if !ok || c.tx.Now().Sub(grave.Created) > c.svc.cloud.Scaled(kept) {
		return nil, unknown
	}
	name := host + "/" + doc.Str(grave.Doc, "name")
	if _, taken := c.tx.Get(name); taken {
		return nil, unknown
	}
	o := &world.Object{
		Name: name, Kind: kind, Service: host, State: "ENABLED", Created: c.tx.Now(), Ready: true, Builtin: grave.Note["builtin"] == true, Doc: grave.Doc,
	}
	if p, ok := grave.Note["policy"]; ok {
		o.Note = map[string]any{"policy": p}
	}
	c.tx.Delete(grave.Name)
	c.tx.Put(o)
	return doc.Map{"restoredAccount": o.Doc}, nil
}

func getPolicy(c *call) (any, error) {
	o, err := c.account()
	if err != nil {
		return nil, err
	}
	return cloud.Policy(o, doc.Num(doc.Map{"n": c.r.Query.Get("options.requestedPolicyVersion")}, "n")), nil
}

func setPolicy(c *call) (any, error) {
	o, err := c.account()
	if err != nil {
		return nil, err
	}
	policy := doc.Object(c.body, "policy")
	if policy == nil {
		return nil, errArgument
	}
	return c.svc.cloud.SetPolicy(c.tx, o, policy, doc.Str(c.body, "updateMask"))
}

func testPermissions(c *call) (any, error) {
	if _, err := c.account(); err != nil {
		return nil, err
	}
	if held := c.svc.cloud.Held(doc.Words(c.body, "permissions")); len(held) > 0 {
		return doc.Map{"permissions": held}, nil
	}
	return doc.Map{}, nil
}
