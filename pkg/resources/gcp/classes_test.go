package gcp_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func classic(code, reason, message string) string {
	return `{"error":{"code":` + code + `,"message":` + quoted(message) + `,"errors":[{"domain":"global","reason":` + quoted(reason) + `,"message":` + quoted(message) + `}]}}`
}

// rpc is the dialect of the newer services; details are google.rpc messages.
func rpc(code, status, message, details string) string {
	return `{"error":{"code":` + code + `,"message":` + quoted(message) + `,"status":` + quoted(status) + `,"details":[` + details + `]}}`
}

// What the cloud answers, and what is to be done about it. "recorded" stands for an exchange with the real cloud that was
// recorded, "reported" for words in a public report, "documented" for a page of Google's. Each is read as the client libraries
// hand it on.
func TestWhatAnAnswerMeans(t *testing.T) {
	const signIn, none = "gcloud auth application-default login", ""
	const readRequests = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service 'cloudresourcemanager.googleapis.com' for consumer 'project_number:764086051850'."
	const spanner = "Cloud Spanner API has not been used in project 123456789123 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/spanner.googleapis.com/overview?project=123456789123 then retry."
	const sqladmin = "Cloud SQL Admin API has not been used in project 123456789123 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/sqladmin.googleapis.com/overview?project=123456789123 then retry."
	for name, tc := range map[string]struct {
		status int
		body   string
		class  resources.Class
		hint   string // a part of the advice; none: there is no advice
	}{
		"absent (recorded)":                                {404, classic("404", "notFound", "The resource 'projects/p/global/networks/n' was not found"), resources.ClassNotFound, none},
		"a node pool that is absent (recorded)":            {404, classic("404", "notFound", `Not found: node pool "np" not found.`), resources.ClassNotFound, none},
		"an object read as media (reported)":               {404, "No such object: b/o", resources.ClassNotFound, none},
		"a proxy's 404 page":                               {404, "<html><body>Not Found</body></html>", resources.ClassTransient, "proxy"},
		"an empty 404":                                     {404, "", resources.ClassTransient, "proxy"},
		"a proxy's 403 page":                               {403, "<!DOCTYPE html><title>Blocked</title>", resources.ClassTransient, "proxy"},
		"there already (reported)":                         {409, classic("409", "alreadyExists", "The resource 'projects/p/global/networks/n' already exists"), resources.ClassExists, none},
		"an account that is there (recorded)":              {409, classic("409", "alreadyExists", "Service account sa already exists within project projects/p."), resources.ClassExists, none},
		"a bucket with objects in it (recorded)":           {409, classic("409", "conflict", "The bucket you tried to delete is not empty."), resources.ClassConflict, none},
		"under way (recorded)":                             {400, classic("400", "resourceNotReady", "The resource 'projects/p/global/networks/n' is not ready"), resources.ClassBusy, none},
		"in use (recorded)":                                {400, classic("400", "resourceInUseByAnotherResource", "The backend_bucket resource 'projects/p/global/backendBuckets/b' is already being used by 'projects/p/global/urlMaps/u'"), resources.ClassInUse, none},
		"an old fingerprint (reported)":                    {412, classic("412", "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed"), resources.ClassConflict, none},
		"a generation that has moved on (documented)":      {412, classic("412", "conditionNotMet", "At least one of the pre-conditions you specified did not hold."), resources.ClassConflict, none},
		"too many calls, 403 (case c02)":                   {403, classic("403", "rateLimitExceeded", "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service 'compute.googleapis.com' for consumer 'project_number:1'."), resources.ClassTransient, none},
		"too many lists (case c03)":                        {403, classic("403", "rateLimitExceeded", "Quota exceeded for quota metric 'List requests'"), resources.ClassTransient, none},
		"too many calls, 429 (recorded)":                   {429, classic("429", "rateLimitExceeded", readRequests), resources.ClassTransient, none},
		"too many calls under a quota's name":              {403, classic("403", "quotaExceeded", readRequests), resources.ClassTransient, none},
		"too many calls of one user (documented)":          {403, classic("403", "userRateLimitExceeded", "User Rate Limit Exceeded"), resources.ClassTransient, none},
		"too many operations at once (Terraform)":          {403, rpc("403", "PERMISSION_DENIED", "Quota exceeded", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"CONCURRENT_OPERATIONS_QUOTA_EXCEEDED","domain":"compute.googleapis.com"}`), resources.ClassTransient, none},
		"a rate by ErrorInfo (documented)":                 {403, rpc("403", "PERMISSION_DENIED", "slow down", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"googleapis.com"}`), resources.ClassTransient, none},
		"too many changes of one object (documented)":      {429, classic("429", "rateLimitExceeded", "The object b/o exceeded the rate limit for object mutation operations (create, update, and delete)."), resources.ClassTransient, none},
		"a day's calls":                                    {429, classic("429", "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service 'x.googleapis.com' for consumer 'project_number:1'."), resources.ClassQuota, "iam-admin/quotas"},
		"a quota of networks (case c11)":                   {403, classic("403", "quotaExceeded", "Quota 'NETWORKS' exceeded.  Limit: 5.0 globally."), resources.ClassQuota, "iam-admin/quotas?project=p"},
		"a quota under a rate's name":                      {403, classic("403", "rateLimitExceeded", "Quota 'CPUS' exceeded.  Limit: 24.0 in region us-central1."), resources.ClassQuota, "iam-admin/quotas"},
		"a 429 that is a quota (reported)":                 {429, classic("429", "rateLimitExceeded", "Quota limit 'EnterpriseStorageGibPerRegion' has been exceeded. Limit: 3072 in region us-central1."), resources.ClassQuota, "iam-admin/quotas"},
		"a 429 with a QuotaFailure (reported)":             {429, rpc("429", "RESOURCE_EXHAUSTED", "no more", `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"project:p","description":"d"}]}`), resources.ClassQuota, "iam-admin/quotas"},
		"a system limit (Filestore's driver)":              {429, rpc("429", "RESOURCE_EXHAUSTED", "System limit for internal resources has been reached. Please request to adjust limit here", ``), resources.ClassQuota, "iam-admin/quotas"},
		"no capacity, said at once":                        {503, classic("503", "backendError", "The zone 'projects/p/zones/z' does not have enough resources available to fulfill the request."), resources.ClassStockout, "another ZONE"},
		"no permission (reported)":                         {403, classic("403", "forbidden", "Required 'compute.networks.create' permission for 'projects/my-gpu-project'"), resources.ClassDenied, "permission compute.networks.create is missing: an owner grants a role that has it with: gcloud projects add-iam-policy-binding my-gpu-project "},
		"no permission on a bucket (reported)":             {403, classic("403", "forbidden", "me@example.com does not have storage.objects.get access to the Google Cloud Storage object."), resources.ClassDenied, "permission storage.objects.get is missing"},
		"no permission, by ErrorInfo (documented)":         {403, rpc("403", "PERMISSION_DENIED", "denied", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"IAM_PERMISSION_DENIED","domain":"iam.googleapis.com","metadata":{"permission":"resourcemanager.projects.get","resource":"projects/other"}}`), resources.ClassDenied, "permission resourcemanager.projects.get is missing: an owner grants a role that has it with: gcloud projects add-iam-policy-binding other "},
		"a project that cannot be seen (recorded)":         {403, rpc("403", "PERMISSION_DENIED", "The caller does not have permission", ""), resources.ClassDenied, none},
		"forbidden for a reason that nobody tells":         {403, classic("403", "forbidden", "Forbidden"), resources.ClassDenied, none},
		"a user who may not use a quota project":           {403, rpc("403", "PERMISSION_DENIED", "Caller does not have required permission to use project other.", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"USER_PROJECT_DENIED","domain":"googleapis.com","metadata":{"consumer":"projects/other","service":"compute.googleapis.com"}}`), resources.ClassDenied, "gcloud projects add-iam-policy-binding other --member=user:YOU --role=roles/serviceusage.serviceUsageConsumer"},
		"no quota project (case c08)":                      {403, classic("403", "forbidden", "Your application is authenticating by using local Application Default Credentials. The cloudresourcemanager.googleapis.com API requires a quota project, which is not set by default."), resources.ClassUnauthenticated, "gcloud auth application-default set-quota-project p"},
		"too narrow a scope (documented)":                  {403, rpc("403", "PERMISSION_DENIED", "Request had insufficient authentication scopes.", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com"}`), resources.ClassUnauthenticated, "scope"},
		"billing is off (case c10)":                        {403, classic("403", "forbidden", "This API method requires billing to be enabled. Please enable billing on project #my-gpu-project by visiting https://console.developers.google.com/billing/enable?project=my-gpu-project then retry."), resources.ClassFatal, "turn billing on at https://console.developers.google.com/billing/enable?project=my-gpu-project"},
		"billing is off, by ErrorInfo":                     {403, rpc("403", "PERMISSION_DENIED", "no billing", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"BILLING_DISABLED","domain":"googleapis.com","metadata":{"consumer":"projects/p"}}`), resources.ClassFatal, "turn billing on"},
		"an account that is disabled (documented)":         {403, classic("403", "accountDisabled", "The account associated with the project that owns the bucket or object has been disabled."), resources.ClassFatal, none},
		"a perimeter (reported)":                           {403, rpc("403", "PERMISSION_DENIED", "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: VQQnKfXt_8f", `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SECURITY_POLICY_VIOLATED","domain":"googleapis.com"}`), resources.ClassPolicy, "perimeter"},
		"a retention policy (reported)":                    {403, classic("403", "retentionPolicyNotMet", "Object 'b/o' is subject to bucket's retention policy and cannot be deleted, overwritten or archived until 2031-09-20T12:18:15.93713-07:00"), resources.ClassPolicy, "retention"},
		"a constraint on a location, 412 (case c07)":       {412, classic("412", "conditionNotMet", "'us-central1' violates constraint 'constraints/gcp.resourceLocations'"), resources.ClassPolicy, "gcloud org-policies describe gcp.resourceLocations --effective --project=p"},
		"a constraint on VMs, 412 (case c12)":              {412, classic("412", "conditionNotMet", "Constraint constraints/compute.requireShieldedVm violated for project projects/my-gpu-project. Secure Boot is not enabled in the 'shielded_instance_config' field."), resources.ClassPolicy, "gcloud org-policies describe compute.requireShieldedVm --effective --project=my-gpu-project"},
		"a constraint of the organisation's own, 400":      {400, classic("400", "badRequest", "Operation denied by org policy: [\"customConstraints/custom.smallVMs\": \"no\"] violated"), resources.ClassPolicy, "gcloud org-policies describe custom.smallVMs"},
		"a disabled API, ErrorInfo (recorded)":             {403, rpc("403", "PERMISSION_DENIED", spanner, `{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com","metadata":{"service":"spanner.googleapis.com","consumer":"projects/123456789123"}}`), resources.ClassDisabled, "gcloud services enable spanner.googleapis.com --project=123456789123"},
		"a disabled API, the older form (recorded)":        {403, classic("403", "accessNotConfigured", sqladmin), resources.ClassDisabled, "gcloud services enable sqladmin.googleapis.com --project=123456789123"},
		"not signed in (reported)":                         {401, classic("401", "authError", "Request had invalid authentication credentials."), resources.ClassUnauthenticated, signIn},
		"a passing fault":                                  {503, classic("503", "backendError", "Backend Error"), resources.ClassTransient, none},
		"a passing fault with a page":                      {502, "<html><title>Error 502 (Server Error)!!1</title></html>", resources.ClassTransient, none},
		"a passing fault without a word":                   {500, "", resources.ClassTransient, none},
		"a malformed request (reported)":                   {400, classic("400", "invalid", "Invalid value for field 'resource.x'"), resources.ClassInvalid, none},
		"a method that the service has not":                {501, classic("501", "notImplemented", "no"), resources.ClassFatal, none},
		"an old client's words with control characters in": {400, classic("400", "invalid", "bad\x1b[2Jname\r\nline\u202e"), resources.ClassInvalid, none},
	} {
		t.Run(name, func(t *testing.T) {
			resp := &http.Response{StatusCode: tc.status, Header: http.Header{}}
			said := googleapi.CheckResponseWithBody(resp, []byte(tc.body))
			err := gcp.Wrap("projects/p/global/networks/mine", &url.Error{Op: "Get", URL: "https://x", Err: said})
			if got := resources.ClassOf(err); got != tc.class {
				t.Errorf("class %q, want %q: %v", got, tc.class, err)
			}
			var e *gcp.Error
			if !errors.As(err, &e) {
				t.Fatalf("%T", err)
			}
			if tc.hint == "" && e.Hint != "" || !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("advice %q, want %q", e.Hint, tc.hint)
			}
			if errors.Is(err, resources.ErrNotFound) != (tc.class == resources.ClassNotFound) {
				t.Errorf("errors.Is(ErrNotFound): %v", err)
			}
			if strings.ContainsAny(err.Error(), "\x1b\r\n\u202e") {
				t.Errorf("control characters: %q", err.Error())
			}
		})
	}
}
