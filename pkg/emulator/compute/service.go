package compute

import (
	"maps"
	"slices"

	"cloud.google.com/go/compute/apiv1/computepb"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// service is Compute Engine at work.
type service struct {
	cloud       *cloud.Cloud
	collections map[string]*collection // by plural: "networks"
	handlers    map[string]handler     // by method: "Networks.Insert"
	router      *rest.Router
}

// Service is Compute Engine, compute.googleapis.com v1.
func Service() cloud.Service {
	return cloud.Service{
		Host: computeHost, Title: "Compute Engine API", Off: true, Roots: []string{"/compute/", "/batch/compute/"}, Batch: "/batch/compute/v1",
		Unprefixed: []string{"/batch/compute/"}, // where gcloud sends them: it leaves out the path of an overridden endpoint
		Refuse:     wire.Classic, Latency: typical, Open: open,
	}
}

func open(c *cloud.Cloud) (*cloud.Server, error) {
	svc := &service{cloud: c, collections: map[string]*collection{}}
	lives := map[string]operations.Life{}
	for _, k := range svc.collectionList() {
		svc.collections[k.plural] = k
		lives[k.kind] = operations.Life{Ready: k.ready, Removed: k.removed, Kept: k.kept, InUse: k.lateUser}
	}
	svc.handlers = svc.methods()
	var err error
	svc.router, err = rest.NewRouter(slices.Collect(maps.Keys(svc.handlers)), computepb.File_google_cloud_compute_v1_compute_proto)
	if err != nil {
		return nil, err
	}
	svc.router.OutputOnly(outputOnly())
	return &cloud.Server{
		Serve: svc.serve, Found: svc.found, FoundWith: computeHost, Lives: lives,
		Operations: map[string]operations.Closer{operationKind: closeOperation},
		Events: map[string]world.Handler{
			"vm": svc.vmEvent, "proxy": svc.proxyEvent, "group": svc.groupEvent, "member": svc.memberEvent,
		},
	}, nil
}

// collectionList are all collections of Compute Engine that the emulator knows.
func (svc *service) collectionList() []*collection {
	return []*collection{
		svc.networks(), svc.subnetworks(), svc.firewalls(), svc.routes(), svc.routers(), svc.networkAttachments(), svc.resourcePolicies(),
		svc.instanceTemplates(), svc.instances(), svc.disks(), svc.addresses(), svc.instanceGroupManagers(), svc.instanceGroups(),
		svc.healthChecks(),
	}
}

// methods are all methods of Compute Engine that the emulator carries out, by name.
func (svc *service) methods() map[string]handler {
	out := map[string]handler{}
	for _, k := range svc.collections {
		maps.Copy(out, k.methods())
	}
	for _, more := range []map[string]handler{
		svc.worldMethods(), svc.projectMethods(), svc.permissionMethods(), svc.operationMethods(), svc.machineMethods(), svc.imageMethods(),
		svc.diskTypeMethods(), svc.networkProfileMethods(),
		svc.networkMethods(svc.collections["networks"]),
		svc.subnetworkMethods(svc.collections["subnetworks"]),
		svc.firewallMethods(svc.collections["firewalls"]),
		svc.routerMethods(svc.collections["routers"]),
		svc.networkAttachmentMethods(svc.collections["networkAttachments"]),
		svc.resourcePolicyMethods(svc.collections["resourcePolicies"]),
		svc.templateMethods(svc.collections["instanceTemplates"]),
		svc.instanceMethods(svc.collections["instances"]),
		svc.diskMethods(svc.collections["disks"]),
		svc.addressMethods(svc.collections["addresses"]),
		svc.groupMethods(svc.collections["instanceGroupManagers"]),
		svc.healthCheckMethods(svc.collections["healthChecks"]),
	} {
		maps.Copy(out, more)
	}
	return out
}
