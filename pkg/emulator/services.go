package emulator

import (
	"github.com/aiinfra/cluster-provision/pkg/emulator/billing"
	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/compute"
	"github.com/aiinfra/cluster-provision/pkg/emulator/iam"
	"github.com/aiinfra/cluster-provision/pkg/emulator/projects"
	"github.com/aiinfra/cluster-provision/pkg/emulator/serviceusage"
	"github.com/aiinfra/cluster-provision/pkg/emulator/storage"
)

// services are what this cloud has, a line each. A new service is its package and a line here.
func services() []cloud.Service {
	return []cloud.Service{
		billing.Service(),
		compute.Service(),
		iam.Service(),
		projects.Service(),
		serviceusage.Service(),
		storage.Service(),
	}
}
