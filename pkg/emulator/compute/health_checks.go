package compute

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Health checks, global ones. Fields, defaults and limits are the discovery document's; that one in use cannot be deleted, and in
// which words that is said, is recorded (errors.log) for a backend service and reported for a group
// (terraform-google-load-balanced-vms#91).

func (svc *service) healthChecks() *collection {
	return &collection{
		service: "HealthChecks", plural: "healthChecks", single: "healthCheck", noun: "health_check",
		kind: "compute#healthCheck", latency: "compute_health_check",
		prepare: func(_ *call, d doc.Map) error { return checkHealthCheck(d) },
		user:    healthCheckUser,
	}
}

// probes are the fields that hold what a check of a type does, and its defaults.
var probes = map[string]struct { //nolint:gochecknoglobals // a constant table
	field    string
	defaults doc.Map
}{
	"TCP":           {"tcpHealthCheck", doc.Map{"port": 80, "proxyHeader": "NONE"}},
	"SSL":           {"sslHealthCheck", doc.Map{"port": 443, "proxyHeader": "NONE"}},
	"HTTP":          {"httpHealthCheck", doc.Map{"port": 80, "proxyHeader": "NONE", "requestPath": "/"}},
	"HTTPS":         {"httpsHealthCheck", doc.Map{"port": 443, "proxyHeader": "NONE", "requestPath": "/"}},
	"HTTP2":         {"http2HealthCheck", doc.Map{"port": 443, "proxyHeader": "NONE", "requestPath": "/"}},
	"GRPC":          {"grpcHealthCheck", doc.Map{}},
	"GRPC_WITH_TLS": {"grpcTlsHealthCheck", doc.Map{}},
}

func checkHealthCheck(d doc.Map) error {
	if !hollow(d["sourceRegions"]) {
		return notImplemented("health checks with sourceRegions")
	}
	kind := doc.Str(d, "type")
	if kind == "" {
		return required("resource.type")
	}
	probe, known := probes[kind]
	if !known {
		return oneOf("resource.type", kind, slices.Sorted(maps.Keys(probes))...)
	}
	for _, other := range probes {
		if _, given := d[other.field]; given && other.field != probe.field {
			return invalid("resource."+other.field, "", "Exactly one of the protocol-specific health check fields must be specified, which must match the type.")
		}
	}
	settings := doc.Object(d, probe.field)
	if settings == nil {
		return required("resource." + probe.field)
	}
	switch specification := doc.Str(settings, "portSpecification"); {
	case specification == "USE_SERVING_PORT": // no port of its own
		delete(settings, "port")
		defaults := maps.Clone(probe.defaults)
		delete(defaults, "port")
		doc.Fill(settings, defaults)
	case specification == "USE_NAMED_PORT" || doc.Str(settings, "portName") != "":
		return invalid("resource."+probe.field+".portSpecification", specification, "Named ports are not supported.")
	default:
		doc.Fill(settings, probe.defaults)
		if port := doc.Num(settings, "port"); port < 1 || port > 65535 {
			return invalid("resource."+probe.field+".port", port, "Must be between 1 and 65535.")
		}
	}
	doc.Fill(d, doc.Map{"checkIntervalSec": 5, "timeoutSec": 5, "healthyThreshold": 2, "unhealthyThreshold": 2})
	return checkPace(d)
}

func checkPace(d doc.Map) error {
	limits := map[string]int64{"checkIntervalSec": 300, "timeoutSec": 300, "healthyThreshold": 10, "unhealthyThreshold": 10} // from memory of gcloud's help
	for _, field := range slices.Sorted(maps.Keys(limits)) {
		if n := doc.Num(d, field); n < 1 || n > limits[field] {
			return invalid("resource."+field, n, fmt.Sprintf("Must be between 1 and %d.", limits[field]))
		}
	}
	if doc.Num(d, "timeoutSec") > doc.Num(d, "checkIntervalSec") {
		return invalid("resource.timeoutSec", doc.Num(d, "timeoutSec"), "timeoutSec must be less than or equal to checkIntervalSec.")
	}
	return nil
}

// healthCheckUser refuses while a group heals by the check. It names things as the recorded refusal does.
func healthCheckUser(c *call, o *world.Object) error {
	number := cloud.Number(c.vars["project"])
	for _, below := range c.tx.Below(worldName(c.project()) + "/zones/") {
		if basename(below) != "instanceGroupManagers" {
			continue
		}
		for _, g := range c.tx.List(below) {
			if healthCheckOf(g) == doc.Str(o.Doc, "selfLink") {
				return inUse("health_check",
					fmt.Sprintf("GLOBAL:global/PROJECT:%s/HEALTH_CHECK:%s", number, basename(o.Name)),
					fmt.Sprintf("ZONE:%s/PROJECT:%s/INSTANCE_GROUP:%s", basename(doc.Str(g.Doc, "zone")), number, basename(g.Name)))
			}
		}
	}
	return nil
}

func (svc *service) healthCheckMethods(k *collection) map[string]handler {
	change := func(kind string) handler {
		return func(c *call) (any, error) {
			o, err := k.settled(c)
			if err != nil {
				return nil, err
			}
			if name := doc.Str(c.body, "name"); name != "" && name != basename(o.Name) {
				return nil, invalid("resource.name", name, "The name cannot be changed.")
			}
			d := c.changes(o)
			if err := checkHealthCheck(d); err != nil {
				return nil, err
			}
			o.Doc = d
			return c.changed(k, o, kind), nil
		}
	}
	return map[string]handler{
		"HealthChecks.Patch": change("patch"), "HealthChecks.Update": change("update"),
		"HealthChecks.AggregatedList": func(c *call) (any, error) {
			return c.aggregated("healthChecks", "compute#healthChecksAggregatedList", k)
		},
	}
}
