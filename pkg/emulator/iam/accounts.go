package iam

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// accountID is the form of a new account's id (descriptor of CreateServiceAccountRequest: RFC 1035, 6 to 30 characters).
var accountID = regexp.MustCompile(`^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$`)

// found makes the account that Compute Engine gives a project: its VMs use it unless they are told another. Google's own agents,
// such as PROJECT_NUMBER@cloudservices.gserviceaccount.com, are no accounts of the project and not listed (page "Service agents").
func found(tx *world.Tx, project string) error {
	put(tx, project, cloud.Number(project)+"-compute@developer.gserviceaccount.com", doc.Map{
		"displayName": "Compute Engine default service account",
	}).Builtin = true
	return nil
}

// find finds an account by its email address, whichever project has it.
func find(tx *world.Tx, email string) (cloud.ServiceAccount, bool) {
	for _, below := range tx.Below(host + "/projects/") {
		if o, ok := tx.Get(below + "/" + email); ok {
			return cloud.ServiceAccount{Project: doc.Str(o.Doc, "projectId"), Disabled: doc.Bool(o.Doc, "disabled")}, true
		}
	}
	return cloud.ServiceAccount{}, false
}

// put makes an account; its fields are recorded (iam-serviceaccount.log). uniqueId and oauth2ClientId have 21 digits.
func put(tx *world.Tx, project, email string, d doc.Map) *world.Object {
	name := "projects/" + project + "/serviceAccounts/" + email
	id := "1" + fmt.Sprintf("%020d", draws.Mix(uint64(tx.Count())))
	maps.Copy(d, doc.Map{
		"name": name, "projectId": project, "uniqueId": id, "oauth2ClientId": id, "email": email, "etag": draws.Etag(tx.Count()),
	})
	o := &world.Object{Name: host + "/" + name, Kind: kind, Service: host, State: "ENABLED", Created: tx.Now(), Ready: true, Doc: d}
	tx.Put(o)
	return o
}

// address is the email address of an account that a user makes; the project of a domain-scoped id is turned around.
func address(id, project string) string {
	if domain, short, ok := strings.Cut(project, ":"); ok {
		project = short + "." + domain
	}
	return id + "@" + project + ".iam.gserviceaccount.com"
}

// owner finds the project of an account that is named with "-" for its project. "" stands for none.
func (c *call) owner() string {
	account := c.name[strings.LastIndexByte(c.name, '/')+1:]
	if _, domain, ok := strings.Cut(account, "@"); ok {
		if project, ok := strings.CutSuffix(domain, ".iam.gserviceaccount.com"); ok && c.svc.cloud.Exists(project) {
			c.name = "projects/" + project + "/serviceAccounts/" + account
			return project // which may not have been seen before
		}
	}
	for _, below := range c.tx.Below(host + "/projects/") {
		for _, o := range c.tx.List(below) {
			if doc.Str(o.Doc, "email") == account || doc.Str(o.Doc, "uniqueId") == account {
				c.name = doc.Str(o.Doc, "name")
				return doc.Str(o.Doc, "projectId")
			}
		}
	}
	return ""
}

// unknown is recorded (iam-serviceaccount.log).
var unknown = wire.APIError{Code: 404, Reason: "notFound", Message: "Unknown service account"} //nolint:gochecknoglobals // a constant

// account finds the account of a call, by address or by unique id. The words are recorded (iam-serviceaccount.log). With "-" for
// the project what is not there is forbidden instead (descriptor of GetServiceAccountRequest.name).
func (c *call) account() (*world.Object, error) {
	if o, ok := c.tx.Get(host + "/" + c.name); ok {
		return o, nil
	}
	i := strings.LastIndexByte(c.name, '/')
	for _, o := range c.tx.List(host + "/" + c.name[:i]) {
		if doc.Str(o.Doc, "uniqueId") == c.name[i+1:] {
			return o, nil
		}
	}
	if strings.Contains(c.r.Path, "/projects/-/") {
		return nil, cloud.Denial("iam.serviceAccounts.get")
	}
	return nil, unknown
}

func get(c *call) (any, error) {
	o, err := c.account()
	if err != nil {
		return nil, err
	}
	return o.Doc, nil
}

// list pages as its descriptor says: 20 accounts unless told otherwise, at most 100.
func list(c *call) (any, error) {
	accounts := []any{}
	for _, o := range c.tx.List(host + "/" + c.name + "/serviceAccounts") {
		accounts = append(accounts, o.Doc)
	}
	size := 20
	if n := doc.Num(doc.Map{"n": c.r.Query.Get("pageSize")}, "n"); n > 0 {
		size = int(min(n, 100))
	}
	page, next, ok := rest.Page(accounts, size, c.r.Query.Get("pageToken"))
	if !ok {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: "Invalid page token."}
	}
	return rest.Listed("accounts", page, next), nil
}

// create answers the account at once. The words of its conflict are recorded (errors.log), those of a bad id are assumed.
func create(c *call) (any, error) {
	project := strings.TrimPrefix(c.name, "projects/")
	id := doc.Str(c.body, "accountId")
	if !accountID.MatchString(id) {
		return nil, wire.APIError{Code: 400, Reason: "badRequest", Message: fmt.Sprintf(
			"Invalid service account id %q: it must be 6 to 30 characters long and match [a-z]([-a-z0-9]*[a-z0-9]).", id)}
	}
	email := address(id, project)
	if _, taken := c.tx.Get(host + "/" + c.name + "/serviceAccounts/" + email); taken {
		return nil, wire.APIError{Code: 409, Reason: "alreadyExists", Message: fmt.Sprintf("Service account %s already exists within project %s.", id, c.name)}
	}
	d := doc.Map{}
	for _, field := range []string{"displayName", "description"} {
		if v := doc.Str(c.body, "serviceAccount", field); v != "" {
			d[field] = v
		}
	}
	return put(c.tx, project, email, d).Doc, nil
}

// disable shows itself in "disabled", which an enabled account does not have (descriptor of ServiceAccount).
func disable(off bool) func(*call) (any, error) {
	return func(c *call) (any, error) {
		o, err := c.account()
		if err != nil {
			return nil, err
		}
		delete(o.Doc, "disabled")
		o.State = "ENABLED"
		if off {
			o.Doc["disabled"], o.State = true, "DISABLED"
		}
		o.Doc["etag"] = draws.Etag(c.tx.Count())
		c.tx.Put(o)
		return doc.Map{}, nil
	}
}
