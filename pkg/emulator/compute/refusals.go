package compute

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// The refusals of Compute Engine, with recorded wordings (gcp-facts, section 2).

func notFound(path string) wire.APIError {
	return wire.APIError{Code: 404, Reason: "notFound", Message: fmt.Sprintf("The resource '%s' was not found", path)}
}

// projectPattern is the form of a project in a path (discovery document).
var projectPattern = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // a constant
	return regexp.MustCompile(`^(?:(?:[-a-z0-9]{1,63}\.)*(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?):)?(?:[0-9]{1,19}|(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?))$`)
})

// badProject refuses what cannot be a project, as trailofbits/algo#14854 shows it.
func badProject(method string) wire.APIError {
	return wire.APIError{
		Code: 400, Reason: "invalidParameter", Status: "INVALID_ARGUMENT", Message: "Invalid resource field value in the request.",
		Details: []doc.Map{{
			"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RESOURCE_PROJECT_INVALID", "domain": "googleapis.com",
			"metadata": doc.Map{"service": computeHost, "method": "compute.v1." + strings.Replace(method, ".", "Service.", 1)},
		}},
	}
}

func alreadyExists(path string) wire.APIError {
	return wire.APIError{Code: 409, Reason: "alreadyExists", Message: fmt.Sprintf("The resource '%s' already exists", path)}
}

func notReady(path string) wire.APIError {
	return wire.APIError{Code: 400, Reason: "resourceNotReady", Message: fmt.Sprintf("The resource '%s' is not ready", path)}
}

// inUse has the recorded relative-name form: "The backend_bucket resource 'A' is already being used by 'B'".
func inUse(noun, path, user string) wire.APIError {
	return wire.APIError{
		Code: 400, Reason: "resourceInUseByAnotherResource",
		Message: fmt.Sprintf("The %s resource '%s' is already being used by '%s'", noun, path, user),
	}
}

func invalid(field string, value any, why string) wire.APIError {
	return wire.APIError{
		Code: 400, Reason: "invalid",
		Message: strings.TrimSpace(fmt.Sprintf("Invalid value for field '%s': '%v'. %s", field, value, why)),
	}
}

func required(field string) wire.APIError {
	return wire.APIError{Code: 400, Reason: "required", Message: fmt.Sprintf("Required field '%s' not specified", field)}
}

func badFingerprint(message string) wire.APIError {
	return wire.APIError{Code: 412, Reason: "conditionNotMet", Message: message, Location: "If-Match"}
}

// failsWith is how the operation that a call starts ends by the fault plan; nil when no fault struck. The wordings of stock-outs
// and quotas are those of gcp-facts, section 1.
func failsWith(fx faults.Effect, project, zone string) *faults.OperationError {
	switch {
	case fx.Operation != nil:
		return fx.Operation
	case fx.Stockout:
		return &faults.OperationError{Code: "ZONE_RESOURCE_POOL_EXHAUSTED", HTTPStatus: 503, Message: fmt.Sprintf(
			"The zone 'projects/%s/zones/%s' does not have enough resources available to fulfill the request.  '(resource type:compute)'.",
			project, zone)}
	case fx.Quota != nil:
		where := "globally"
		if zone != "" {
			where = "in region " + places.RegionName(zone)
		}
		return &faults.OperationError{Code: "QUOTA_EXCEEDED", HTTPStatus: 403,
			Message: fmt.Sprintf("Quota '%s' exceeded.  Limit: %.1f %s.", fx.Quota.Metric, fx.Quota.Limit, where)}
	}
	return nil
}

// invalidUsage has the form of public reports: litmuschaos/chaos-charts#562, terraform-provider-google#1211.
func invalidUsage(why string) wire.APIError {
	return wire.APIError{Code: 400, Reason: "invalidResourceUsage", Message: fmt.Sprintf("Invalid resource usage: '%s'.", why)}
}
