package blueprint

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// FirstVM is the name of the first VM: what examples in the output are about.
func FirstVM(scope resources.Scope) string { return fmt.Sprintf("%s-%04d", scope.Name("vm"), 1) }

// Tunnel is the command that reaches Jupyter on the first VM through Identity-Aware Proxy, with or without an external address.
func Tunnel(scope resources.Scope) string {
	return fmt.Sprintf("gcloud compute ssh %s --project=%s --zone=%s --tunnel-through-iap -- -L 8080:localhost:8080", FirstVM(scope), scope.Project, scope.Zone)
}

// WantsProxy says whether the VMs register with the Jupyter proxy, so that their addresses are worth waiting for: METADATA may
// turn that off.
func WantsProxy(cfg *config.Config) bool {
	mode, given := cfg.Metadata[proxyMode]
	return !given || mode == proxyEditors
}
