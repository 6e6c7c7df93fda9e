package cloud

import (
	"fmt"
	"net/http"
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

// Exists says whether there may be a project of an id: it is well-formed and does not begin with "no-such-", which stands for
// what is somebody else's. Whether it is there now, Found says.
func (c *Cloud) Exists(project string) bool {
	return projectID.MatchString(project) && !strings.HasPrefix(project, "no-such-")
}

// initial says whether a project is there without having been made: a listed one, or any but those that begin with "project-",
// the form of which is that of projects that recordings make.
func (c *Cloud) initial(project string) bool {
	if len(c.Projects) > 0 {
		return slices.Contains(c.Projects, project)
	}
	return !strings.HasPrefix(project, "project-")
}

// Number is the number of a project.
func Number(project string) string {
	return fmt.Sprint(100000000000 + uint64(draws.Uniform(0, project, 1)*899999999999))
}

const (
	tenant = "founded/"
	made   = "made"   // note of a tenant that the API has made
	closed = "closed" // note of a tenant whose project has been deleted and can still be had back
)

// Known says whether a project is there: it was made or seen before, or is there from the start, and is not deleted.
func (c *Cloud) Known(tx *world.Tx, project string) bool {
	if o, ok := tx.Get(tenant + project); ok {
		return o.Note[closed] == nil
	}
	return c.Exists(project) && c.initial(project)
}

// Seen says whether a project was made or seen before, deleted ones among them.
func (c *Cloud) Seen(tx *world.Tx, project string) bool {
	_, ok := tx.Get(tenant + project)
	return ok
}

// Make makes a project as the API does: it is not billed (recorded: compute-subnetwork-network-project.log), and few APIs are
// enabled.
func (c *Cloud) Make(tx *world.Tx, project string) error {
	PutBilling(tx, project, "")
	for _, s := range c.Services() {
		if s.Off {
			PutSwitch(tx, project, s.Host, true)
		}
	}
	tx.Put(&world.Object{Name: tenant + project, Note: map[string]any{made: true}})
	return c.found(tx, project)
}

// Made says whether a project was made by the API.
func Made(tx *world.Tx, project string) bool {
	o, ok := tx.Get(tenant + project)
	return ok && o.Note[made] != nil
}

// Resolve gives the id of a project that is named by its id or, once it was seen, by its number.
func Resolve(tx *world.Tx, project string) string {
	if strings.Trim(project, "0123456789") == "" {
		for _, o := range tx.List(strings.TrimSuffix(tenant, "/")) {
			if id := strings.TrimPrefix(o.Name, tenant); Number(id) == project {
				return id
			}
		}
	}
	return project
}

// Shut takes a project from all services but Resource Manager, or gives it back.
func Shut(tx *world.Tx, project string, shut bool) {
	if o, ok := tx.Get(tenant + project); ok {
		if o.Note == nil {
			o.Note = map[string]any{}
		}
		delete(o.Note, closed)
		if shut {
			o.Note[closed] = true
		}
		tx.Put(o)
	}
}

// Found puts what a project has into the world when it is seen for the first time, and what an API brings when it is seen
// enabled for the first time. A project that is not there is refused.
func (c *Cloud) Found(tx *world.Tx, project string) error {
	if !c.Known(tx, project) {
		return noProject(project)
	}
	return c.found(tx, project)
}

func (c *Cloud) found(tx *world.Tx, project string) error {
	o, ok := tx.Get(tenant + project)
	if !ok {
		o = &world.Object{Name: tenant + project, Note: map[string]any{}}
		for _, api := range c.Options.Disabled {
			PutSwitch(tx, project, api, true)
		}
		tx.Put(o)
	}
	for _, s := range c.Services() {
		server := c.servers[s.Host]
		if server.Found == nil || o.Note[s.Host] != nil || server.FoundWith != "" && !Enabled(tx, project, server.FoundWith) {
			continue
		}
		if o.Note == nil {
			o.Note = map[string]any{}
		}
		o.Note[s.Host] = true
		tx.Put(o)
		if err := server.Found(tx, project); err != nil {
			return err
		}
	}
	return nil
}

// noProject is how the front end that all services share refuses a project that does not exist or is deleted, where a service
// has no words of its own (public report: nanobanana issue 16, reason CONSUMER_INVALID). That a deleted one gets the same is
// an assumption.
func noProject(project string) wire.APIError {
	message := "Permission denied on resource project " + project + "."
	return wire.APIError{
		Code: http.StatusForbidden, Reason: "forbidden", Message: message,
		Details: []doc.Map{
			ErrorInfo("CONSUMER_INVALID", "googleapis.com", doc.Map{"consumer": "projects/" + project, "containerInfo": project}),
			{"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message},
			Help("Google developers console", "https://console.developers.google.com"),
		},
	}
}

// ErrorInfo is the detail of a refusal that says why for machines (google/rpc/error_details.proto).
func ErrorInfo(reason, domain string, metadata doc.Map) doc.Map {
	d := doc.Map{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}
	if len(metadata) > 0 {
		d["metadata"] = metadata
	}
	return d
}

// Help is the detail of a refusal that links to a mend.
func Help(description, url string) doc.Map {
	return doc.Map{"@type": "type.googleapis.com/google.rpc.Help", "links": []any{doc.Map{"description": description, "url": url}}}
}

// FindAccount finds a service account by email address.
func (c *Cloud) FindAccount(tx *world.Tx, email string) (ServiceAccount, bool) {
	for _, s := range c.Services() {
		if find := c.servers[s.Host].Accounts; find != nil {
			return find(tx, email)
		}
	}
	return ServiceAccount{}, false
}

// KnowsAccounts says whether any service has accounts: without one nobody can tell which there are.
func (c *Cloud) KnowsAccounts() bool {
	return slices.ContainsFunc(c.Services(), func(s Service) bool { return c.servers[s.Host].Accounts != nil })
}
