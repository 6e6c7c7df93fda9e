package emulator

import "maps"

// computeCollections are all collections of Compute Engine that the emulator knows.
func (em *Emulator) computeCollections() []*collection {
	return []*collection{
		em.networks(), em.subnetworks(), em.firewalls(), em.routes(), em.routers(),
		em.instanceTemplates(), em.instances(), em.disks(), em.instanceGroupManagers(), em.instanceGroups(),
	}
}

// computeMethods are all methods of Compute Engine that the emulator carries out, by name.
func (em *Emulator) computeMethods() map[string]computeHandler {
	out := map[string]computeHandler{}
	for _, k := range em.collections {
		maps.Copy(out, k.methods())
	}
	for _, more := range []map[string]computeHandler{
		em.worldMethods(), em.operationMethods(), em.machineMethods(), em.imageMethods(),
		em.networkMethods(em.collections["networks"]),
		em.subnetworkMethods(em.collections["subnetworks"]),
		em.firewallMethods(em.collections["firewalls"]),
		em.routerMethods(em.collections["routers"]),
		em.templateMethods(em.collections["instanceTemplates"]),
		em.instanceMethods(em.collections["instances"]),
		em.groupMethods(em.collections["instanceGroupManagers"]),
	} {
		maps.Copy(out, more)
	}
	return out
}
