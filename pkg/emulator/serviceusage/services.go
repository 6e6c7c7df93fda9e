package serviceusage

import (
	"maps"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

const host = "serviceusage.googleapis.com"

// elsewhere are services that a project knows although the emulator does not have them.
var elsewhere = map[string]string{ //nolint:gochecknoglobals // a constant table
	"cloudapis.googleapis.com":  "Google Cloud APIs", // gcloud enables it in what it makes
	"container.googleapis.com":  "Kubernetes Engine API",
	"file.googleapis.com":       "Cloud Filestore API",
	"monitoring.googleapis.com": "Cloud Monitoring API",
	"notebooks.googleapis.com":  "Notebooks API",
	"oslogin.googleapis.com":    "Cloud OS Login API",
}

type service struct {
	cloud  *cloud.Cloud
	router *rest.Router
}

// Service is Service Usage.
func Service() cloud.Service {
	return cloud.Service{
		Host: host, Title: "Service Usage API", Refuse: wire.RPC,
		Latency: map[string]latency.Triple{"service.enable": {Low: 8, Typical: 16, High: 30}}, // seconds; from public Terraform logs
		Open:    open,
	}
}

// apis gives the titles of all services that a project knows, by host; all start out enabled, but see offAtFirst.
func (svc *service) apis() map[string]string {
	out := maps.Clone(elsewhere)
	for _, s := range svc.cloud.Services() {
		out[s.Host] = s.Title
	}
	return out
}
