package gcp

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// The words by which the cloud tells its reasons where it has no code for them (gcp-facts, sections 1, 2, 8 and 12; the public
// reports that docs and tests name).
var (
	permissionWords = regexp.MustCompile(`(?:Required '?|Permission '?|permission '?|does not have )([a-z][A-Za-z]*\.[A-Za-z]+\.[A-Za-z]+)`)
	deniedOn        = regexp.MustCompile(`(?:permission for|denied on resource) '?(?://[a-z.]+/)?projects/([^/'" ]+)`)
	notUsed         = regexp.MustCompile(`API has not been used in project (\S+) before or it is disabled`)
	serviceWords    = regexp.MustCompile(`/apis?/(?:api/|library/)?([a-z0-9.-]+\.googleapis\.com)`)
	constraintWords = regexp.MustCompile(`(?:constraints|customConstraints)/([A-Za-z0-9_.]+[A-Za-z0-9])`)
	inProject       = regexp.MustCompile(`(?:violated for project |project #|projects/)(?:projects/)?([a-z0-9][a-z0-9:.-]*[a-z0-9])`)
	billingLink     = regexp.MustCompile(`https://console\.\S*billing\S*`)
	perimeterID     = regexp.MustCompile(`vpcServiceControlsUniqueIdentifier: ?(\S+)`)
	countedQuota    = regexp.MustCompile(`Quota '[^']+' exceeded|Quota limit '[^']+' has been exceeded|System limit for internal resources`)
	ratedQuota      = regexp.MustCompile(`Quota exceeded for quota metric`)
	perDay          = regexp.MustCompile(`limit '[^']* per day`)
	stockoutWords   = regexp.MustCompile(`does not have enough resources available to fulfill the request`)
	subjectWords    = regexp.MustCompile(`(?:resource|Not found:|account|exists:) '?((?:https://[a-z0-9./]+/)?projects/[^' ,]*[^' ,.])`)
	userWords       = regexp.MustCompile(`already being used by '([^']+)'`)
)

// reason is one thing that the cloud may mean, how it is told, and what it is to us. The first that is told counts.
type reason struct {
	told  func(answer) bool
	class resources.Class
	hint  func(*Error, answer) string // nil: nothing is known to do about it
}

func (a answer) is(reasons ...string) bool {
	return slices.ContainsFunc(a.reasons, func(r string) bool { return slices.Contains(reasons, r) })
}

func says(e *regexp.Regexp) func(answer) bool {
	return func(a answer) bool { return e.MatchString(a.message) }
}

// reasons is in order: what is told exactly before what is told vaguely.
func reasons() []reason {
	return []reason{
		{told: func(a answer) bool { return !a.own && a.status < 500 && a.status != 408 && a.status != 429 }, class: resources.ClassTransient, hint: fixed(askProxy)},
		{told: func(a answer) bool {
			return a.is("CUSTOM_ORG_POLICY_VIOLATION") || constraintWords.MatchString(a.message) && strings.Contains(a.message, "violate")
		}, class: resources.ClassPolicy, hint: constraintHint},
		{told: func(a answer) bool {
			return a.is("SECURITY_POLICY_VIOLATED") || strings.Contains(a.message, "vpcServiceControlsUniqueIdentifier")
		}, class: resources.ClassPolicy, hint: perimeterHint},
		{told: func(a answer) bool {
			return a.is("retentionPolicyNotMet", "objectUnderActiveHold") || strings.Contains(a.message, "bucket's retention policy")
		}, class: resources.ClassPolicy, hint: fixed("the bucket's retention policy keeps its objects from being replaced or deleted: give a bucket without one in TERRAFORM_GCS_PATH")},
		{told: func(a answer) bool {
			return a.is("BILLING_DISABLED", "UREQ_PROJECT_BILLING_NOT_FOUND") || strings.Contains(a.message, "requires billing to be enabled")
		}, class: resources.ClassFatal, hint: billingHint},
		{told: func(a answer) bool { return a.is("accountDisabled", "CONSUMER_SUSPENDED") }, class: resources.ClassFatal},
		{told: func(a answer) bool { return strings.Contains(a.message, "requires a quota project") }, class: resources.ClassUnauthenticated, hint: quotaProjectHint},
		{told: func(a answer) bool { return a.is("USER_PROJECT_DENIED") }, class: resources.ClassDenied, hint: userProjectHint},
		{told: func(a answer) bool { return a.is("ACCESS_TOKEN_SCOPE_INSUFFICIENT") }, class: resources.ClassUnauthenticated,
			hint: fixed("the credentials lack the scope cloud-platform: " + signIn + " --scopes=" + scope)},
		{told: func(a answer) bool { return a.status == 401 }, class: resources.ClassUnauthenticated, hint: fixed(signIn)},
		{told: func(a answer) bool {
			return a.is("accessNotConfigured", "SERVICE_DISABLED") || notUsed.MatchString(a.message)
		},
			class: resources.ClassDisabled, hint: enableHint},
		{told: says(stockoutWords), class: resources.ClassStockout, hint: fixed(stockoutHint)},
		{told: says(countedQuota), class: resources.ClassQuota, hint: quotaHint},
		{told: func(a answer) bool { return ratedQuota.MatchString(a.message) && perDay.MatchString(a.message) }, class: resources.ClassQuota, hint: quotaHint},
		{told: func(a answer) bool {
			return a.is("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", "RESOURCE_OPERATION_RATE_EXCEEDED") ||
				ratedQuota.MatchString(a.message)
		}, class: resources.ClassTransient},
		{told: func(a answer) bool { return a.quota || a.is("quotaExceeded", "QUOTA_EXCEEDED") }, class: resources.ClassQuota, hint: quotaHint},
		{told: func(a answer) bool { return a.is("resourceInUseByAnotherResource") }, class: resources.ClassInUse},
		{told: func(a answer) bool { return a.is("resourceNotReady", "operationInProgress") || waitsItsTurn(a) }, class: resources.ClassBusy},
		{told: func(a answer) bool { return a.status == 404 }, class: resources.ClassNotFound},
		{told: func(a answer) bool {
			return a.status == 409 && (a.is("alreadyExists") || a.rpc == "ALREADY_EXISTS" || strings.Contains(a.message, "already exists"))
		},
			class: resources.ClassExists},
		{told: func(a answer) bool { return a.status == 409 || a.status == 412 }, class: resources.ClassConflict},
		{told: func(a answer) bool { return passingStatus(a.status) }, class: resources.ClassTransient},
		{told: func(a answer) bool { return a.status == 403 }, class: resources.ClassDenied, hint: permissionHint},
		{told: func(a answer) bool { return a.status == 400 }, class: resources.ClassInvalid},
	}
}

// passingStatus are the HTTP statuses that Google's clients try again.
func passingStatus(code int) bool {
	switch code {
	case 408, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

const (
	askProxy     = "what answered is not Google: look at the proxy settings (HTTPS_PROXY, NO_PROXY) and the network"
	stockoutHint = "try another ZONE, fewer VMs or another VM_TYPE, or run the same command again later"
)

func fixed(hint string) func(*Error, answer) string {
	return func(*Error, answer) string { return hint }
}

// project is the project that the cloud's details, its words or the ID name, in this order; otherwise the word PROJECT.
func (e *Error) project(a answer) string {
	if p := pathPart(a.info["consumer"], "projects"); p != "" {
		return p
	}
	if m := inProject.FindStringSubmatch(a.message); m != nil {
		return m[1]
	}
	if p := pathPart(string(e.ID), "projects"); p != "" {
		return p
	}
	return "PROJECT"
}

func constraintHint(e *Error, a answer) string {
	hint := "an organization policy refuses this: ask its administrator"
	if m := constraintWords.FindStringSubmatch(a.message); m != nil {
		hint += ", and look at it with: " + Command("org-policies", "describe", m[1], "--effective", "--project="+e.project(a))
		if m[1] == "compute.vmExternalIpAccess" {
			hint += "; or give EXTERNAL_IP=no"
		}
	}
	return hint
}

func perimeterHint(_ *Error, a answer) string {
	id := a.info["uid"]
	if m := perimeterID.FindStringSubmatch(a.message); m != nil {
		id = m[1]
	}
	hint := "a VPC Service Controls perimeter refuses calls from here: ask its administrator"
	if id != "" {
		hint += ", who finds this one by the identifier " + clean(id, 100)
	}
	return hint
}

func billingHint(e *Error, a answer) string {
	if link := billingLink.FindString(a.message); link != "" {
		return "turn billing on at " + link
	}
	return "turn billing on with: " + Command("billing", "projects", "link", e.project(a), "--billing-account=ACCOUNT")
}

func quotaProjectHint(e *Error, _ answer) string {
	project := pathPart(string(e.ID), "projects")
	if project == "" {
		project = "PROJECT"
	}
	return "name one with: " + Command("auth", "application-default", "set-quota-project", project)
}

func userProjectHint(e *Error, a answer) string {
	return "an owner lets you use it with: " + Command("projects", "add-iam-policy-binding", e.project(a), "--member=user:YOU", "--role=roles/serviceusage.serviceUsageConsumer")
}

func enableHint(e *Error, a answer) string {
	service := a.info["service"]
	if m := serviceWords.FindStringSubmatch(a.message); service == "" && m != nil {
		service = m[1]
	}
	if service == "" {
		return ""
	}
	project := pathPart(a.info["consumer"], "projects")
	if m := notUsed.FindStringSubmatch(a.message); project == "" && m != nil {
		project = m[1]
	}
	if project == "" {
		project = e.project(a)
	}
	return "enable it with: " + Command("services", "enable", service, "--project="+project)
}

func quotaHint(e *Error, _ answer) string {
	link := "https://console.cloud.google.com/iam-admin/quotas"
	if p := pathPart(string(e.ID), "projects"); p != "" {
		link += "?project=" + p
	}
	return "ask for more at " + link + ", or use less"
}

// permissionHint names the permission if the cloud does; otherwise the reason is not known and nothing is advised.
func permissionHint(e *Error, a answer) string {
	permission, project := a.info["permission"], pathPart(a.info["resource"], "projects")
	if m := permissionWords.FindStringSubmatch(a.message); permission == "" && m != nil {
		permission = m[1]
	}
	if permission == "" {
		return ""
	}
	if m := deniedOn.FindStringSubmatch(a.message); project == "" && m != nil {
		project = m[1]
	}
	if project == "" {
		if project = pathPart(string(e.ID), "projects"); project == "" {
			project = "PROJECT"
		}
	}
	return "permission " + permission + " is missing: an owner grants a role that has it with: " +
		Command("projects", "add-iam-policy-binding", project, "--member=user:YOU", "--role=ROLE")
}

// read fills in what an answer means.
func (e *Error) read(a answer) {
	e.class, e.Hint = resources.ClassFatal, ""
	for _, r := range reasons() {
		if !r.told(a) {
			continue
		}
		e.class = r.class
		if r.hint != nil {
			e.Hint = clean(r.hint(e, a), longest)
		}
		break
	}
	e.readNames(a.message)
}

// readNames finds the resources that the cloud's words name.
func (e *Error) readNames(message string) {
	if m := subjectWords.FindStringSubmatch(message); m != nil {
		e.Subject = Path(m[1])
	}
	if m := userWords.FindStringSubmatch(message); m != nil {
		e.User = clean(Path(m[1]), longest)
	}
}

// codeClass is the class of a machine code of an operation, or of a managed instance's last attempt; false for one that is not
// known. Sources: gcp-facts, sections 1 and 8; Terraform's provider and cluster-autoscaler for the names that no recording has.
func codeClass(code string) (resources.Class, bool) {
	switch {
	case strings.HasSuffix(code, "RATE_EXCEEDED"), strings.HasSuffix(code, "RATE_LIMIT_EXCEEDED"), code == "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", code == "INTERNAL_ERROR":
		return resources.ClassTransient, true
	case strings.Contains(code, "RESOURCE_POOL_EXHAUSTED"):
		return resources.ClassStockout, true
	case strings.HasPrefix(code, "IP_SPACE_EXHAUSTED"), strings.Contains(code, "QUOTA"):
		return resources.ClassQuota, true
	case strings.HasSuffix(code, "_POLICY_CONSTRAINT"):
		return resources.ClassPolicy, true
	case strings.Contains(code, "RESERVATION"), strings.HasPrefix(code, "INVALID_"), code == "UNSUPPORTED_OPERATION":
		return resources.ClassInvalid, true
	}
	switch code {
	case "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE":
		return resources.ClassInUse, true
	case "RESOURCE_NOT_READY":
		return resources.ClassBusy, true
	case "RESOURCE_ALREADY_EXISTS":
		return resources.ClassExists, true
	case "RESOURCE_NOT_FOUND":
		return resources.ClassNotFound, true
	case "CONDITION_NOT_MET":
		return resources.ClassConflict, true
	case "PERMISSIONS_ERROR":
		return resources.ClassDenied, true
	}
	return resources.ClassFatal, false
}
