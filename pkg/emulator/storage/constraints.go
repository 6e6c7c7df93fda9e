package storage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// constrained refuses what an organization policy forbids, or the lack of billing (public reports of all words). It needs of the
// call no more than its request and its bucket, and is asked before anything else.
func (c *call) constrained() error {
	_, below, _ := strings.Cut(c.r.Path, "/storage/v1/b")
	inserts := below == "" && c.r.Method == "POST"
	if c.r.Method == "GET" || c.r.Method == "DELETE" {
		return nil // reads and deletions are never refused
	}
	project := c.r.Query.Get("project")
	if !inserts {
		bucket, there := c.tx.Get(bucketName(c.bucket))
		if !there {
			return nil
		}
		project = cloud.Resolve(c.tx, doc.Str(bucket.Doc, "projectNumber"))
	}
	writes := c.r.Method == "POST" || c.r.Method == "PUT" && strings.Contains(c.r.Path, "/upload/")
	if writes && cloud.Billing(c.tx, project) == "" { // python-storage issue 1456
		return wire.APIError{Code: 403, Reason: "accountDisabled", Location: "Authorization",
			Message: "The billing account for the owning project is disabled in state absent"}
	}
	switch itself := strings.Count(below, "/") == 1; {
	case inserts:
		body := c.sent()
		location := strings.ToLower(cmp.Or(doc.Str(body, "location"), "US"))
		if !c.svc.cloud.AllowsLocation(c.tx, project, location) {
			return violated(fmt.Sprintf("'%s' violates constraint '%s'", location, cloud.Locations))
		}
		return c.uniform(project, body)
	case itself && (c.r.Method == "PATCH" || c.r.Method == "PUT"):
		body := c.sent()
		if c.r.Method == "PUT" || doc.Object(body, "iamConfiguration", "uniformBucketLevelAccess") != nil {
			return c.uniform(project, body)
		}
	case c.r.Method == "PUT" && strings.HasSuffix(below, "/iam"):
		if c.svc.cloud.Enforced(c.tx, project, cloud.PublicPrevention) && opensToAll(c.sent()) {
			return violated("The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.")
		}
	}
	return nil
}

// sent is the body of a call; nothing when it cannot be read, of which the method itself says what is wrong.
func (c *call) sent() doc.Map {
	var body doc.Map
	_ = json.Unmarshal(c.r.Body, &body)
	return body
}

// uniform refuses a bucket without uniform access where a policy wants it.
func (c *call) uniform(project string, bucket doc.Map) error {
	on := doc.Bool(bucket, "iamConfiguration", "uniformBucketLevelAccess", "enabled") || doc.Bool(bucket, "iamConfiguration", "bucketPolicyOnly", "enabled")
	if on || !c.svc.cloud.Enforced(c.tx, project, cloud.UniformAccess) {
		return nil
	}
	return violated(fmt.Sprintf("Request violates constraint '%s'", cloud.UniformAccess))
}

func violated(message string) wire.APIError {
	return wire.APIError{Code: 412, Reason: "conditionNotMet", Message: message, Location: "If-Match"}
}

func opensToAll(policy doc.Map) bool {
	return slices.ContainsFunc(doc.Objects(policy, "bindings"), func(b doc.Map) bool {
		return slices.ContainsFunc(doc.Words(b, "members"), func(m string) bool { return m == "allUsers" || m == "allAuthenticatedUsers" })
	})
}
