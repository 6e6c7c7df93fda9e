package storage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// need refuses a call whose caller lacks a permission on the bucket, or on the call's object in it.
func (c *call) need(permission string, bucket *world.Object) error {
	return c.needOn(permission, bucket, c.object)
}

func (c *call) needOn(permission string, bucket *world.Object, object string) error {
	if c.may(permission, bucket, object) {
		return nil
	}
	what := "bucket"
	if object != "" || strings.HasPrefix(permission, "storage.objects.") && permission != "storage.objects.list" {
		what = "object"
	}
	return c.denied(permission, "Storage "+what)
}

// denied is what a caller without a permission is told (reported many times, with "Caller" where no email is told).
func (c *call) denied(permission, what string) error {
	return wire.APIError{Code: 403, Reason: "forbidden", Message: fmt.Sprintf(
		"%s does not have %s access to the Google Cloud %s. Permission '%s' denied on resource (or it may not exist).",
		cmp.Or(c.email, "Caller"), permission, what, permission)}
}

// needInProject is need for what belongs to a project and no bucket.
func (c *call) needInProject(permission, project string) error {
	if c.svc.cloud.Permitted(permission) && (c.email == "" || slices.ContainsFunc(c.roles(project), func(role string) bool { return grants(role, permission) })) {
		return nil
	}
	return c.denied(permission, "project")
}

// may says whether the caller has a permission. The owner of all projects has all but those that the emulator was told to deny;
// a service account has what the bucket's policy and its project's give it.
func (c *call) may(permission string, bucket *world.Object, object string) bool {
	if !c.svc.cloud.Permitted(permission) {
		return false
	}
	if c.email == "" {
		return true
	}
	project := doc.Str(bucket.Note, "project")
	roles := c.roles(project)
	if slices.ContainsFunc(roles, func(role string) bool { return grants(role, permission) }) {
		return true
	}
	return slices.ContainsFunc(bindings(bucket), func(b doc.Map) bool {
		return grants(doc.Str(b, "role"), permission) && c.isMember(doc.Words(b, "members"), project, roles) && c.holds(doc.Str(b, "condition", "expression"), object)
	})
}

// roles are those that the policy of a project gives the caller.
func (c *call) roles(project string) []string {
	return c.svc.cloud.Roles(c.tx, project, "serviceAccount:"+c.email)
}

// isMember finds the caller among the members of a binding. Who has a basic role in the bucket's project is a member by it.
func (c *call) isMember(members []string, project string, roles []string) bool {
	for _, m := range members {
		switch m {
		case "serviceAccount:" + c.email, "allUsers", "allAuthenticatedUsers":
			return true
		}
		for _, basic := range []string{"Owner", "Editor", "Viewer"} {
			if m == "project"+basic+":"+project && slices.Contains(roles, "roles/"+strings.ToLower(basic)) {
				return true
			}
		}
	}
	return false
}

// holds says whether a binding's condition is met; "" always is. One that cannot be read grants nothing, and was never taken.
func (c *call) holds(expression, object string) bool {
	if expression == "" {
		return true
	}
	name, kind := "projects/_/buckets/"+c.bucket, host+"/Bucket"
	if object != "" {
		name, kind = name+"/objects/"+object, host+"/Object"
	}
	met, err := evaluate(expression, facts{name: name, kind: kind, now: c.tx.Now()})
	return err == nil && met
}

// grants says whether a role has a permission of Cloud Storage (page "IAM roles for Cloud Storage"; basic roles as the page
// lists them for a project). A custom role has none here.
func grants(role, permission string) bool {
	group, verb, _ := strings.Cut(strings.TrimPrefix(permission, "storage."), ".")
	switch role {
	case "roles/storage.admin":
		return strings.HasPrefix(permission, "storage.")
	case "roles/storage.objectAdmin":
		return slices.Contains([]string{"objects", "multipartUploads", "folders", "managedFolders"}, group)
	case "roles/storage.objectUser":
		return group == "objects" && slices.Contains([]string{"create", "delete", "get", "list", "move", "restore", "update"}, verb) || group == "multipartUploads"
	case "roles/storage.objectViewer":
		return (group == "objects" || group == "managedFolders" || group == "folders") && (verb == "get" || verb == "list")
	case "roles/storage.objectCreator":
		return group == "objects" && verb == "create"
	case "roles/storage.bucketViewer":
		return group == "buckets" && (verb == "get" || verb == "list")
	case "roles/storage.legacyObjectReader":
		return group == "objects" && verb == "get"
	case "roles/storage.legacyObjectOwner":
		return group == "objects" && slices.Contains([]string{"get", "update", "getIamPolicy", "setIamPolicy", "setRetention", "overrideUnlockedRetention"}, verb)
	case "roles/storage.legacyBucketReader":
		return permission == "storage.buckets.get" || permission == "storage.objects.list"
	case "roles/storage.legacyBucketWriter":
		return grants("roles/storage.legacyBucketReader", permission) ||
			group == "objects" && slices.Contains([]string{"create", "delete", "restore", "setRetention"}, verb)
	case "roles/storage.legacyBucketOwner":
		return grants("roles/storage.legacyBucketWriter", permission) ||
			group == "buckets" && slices.Contains([]string{"update", "getIamPolicy", "setIamPolicy", "enableObjectRetention", "restore"}, verb)
	case "roles/owner", "roles/editor":
		return group == "buckets" && slices.Contains([]string{"create", "delete", "list", "restore"}, verb) || permission == "serviceusage.services.use"
	case "roles/viewer":
		return permission == "storage.buckets.list" || permission == "serviceusage.services.use"
	case "roles/serviceusage.serviceUsageConsumer":
		return permission == "serviceusage.services.use"
	}
	return false
}

var errNoPayer = wire.APIError{Code: 400, Reason: "required", Message: "Bucket is a requester pays bucket but no user project provided."}

// payer checks who pays. Measured: who calls a bucket that lets requesters pay must name a project to bill, unless the caller is
// its owner; the parameter wins over the header; a project that does not exist is refused even to an owner.
func (c *call) payer(bucket *world.Object) error {
	project := cmp.Or(c.r.Query.Get("userProject"), c.r.Header.Get("X-Goog-User-Project"))
	if project == "" {
		if bucket != nil && c.email != "" && doc.Bool(bucket.Doc, "billing", "requesterPays") && !slices.Contains(c.roles(doc.Str(bucket.Note, "project")), "roles/owner") {
			return errNoPayer
		}
		return nil
	}
	if !c.svc.cloud.Exists(project) && !c.isNumber(project) {
		return invalid("User project specified in the request is invalid.") // reported
	}
	if c.email == "" {
		return nil
	}
	return c.needInProject("serviceusage.services.use", project)
}

// isNumber tells a project's number, which stands for its id here and there.
func (c *call) isNumber(project string) bool {
	return strings.Trim(project, "0123456789") == ""
}

// visible gives the object, or the refusal of one that is not there: who may not list the bucket is not told that it is absent
// (page "Cloud Storage IAM permissions").
func (c *call) visible(o *world.Object, bucket *world.Object) (*world.Object, error) {
	if o != nil {
		return o, nil
	}
	if c.email != "" && !c.may("storage.objects.list", bucket, "") {
		return nil, c.denied("storage.objects.get", "Storage object")
	}
	return nil, c.noObject()
}

func (c *call) noObject() wire.APIError {
	return wire.APIError{Code: 404, Reason: "notFound", Message: fmt.Sprintf("No such object: %s/%s", c.bucket, c.object)}
}

// serviceAgent is the account that Cloud Storage itself acts as in a project.
func (c *call) serviceAgent(*world.Object) (*wire.Response, error) {
	project := c.vars["project"]
	if err := c.inProject(project); err != nil {
		return nil, err
	}
	return c.reply(doc.Map{"kind": "storage#serviceAccount", "email_address": "service-" + cloud.Number(project) + "@gs-project-accounts.iam.gserviceaccount.com"})
}

// inProject refuses a project that does not exist, and founds one that does.
func (c *call) inProject(project string) error {
	if project == "" {
		return wire.APIError{Code: 400, Reason: "required", Message: "Required parameter: project"}
	}
	if !c.svc.cloud.Exists(project) {
		return invalid("Unknown project id: %s", project)
	}
	return c.svc.cloud.Found(c.tx, project)
}
