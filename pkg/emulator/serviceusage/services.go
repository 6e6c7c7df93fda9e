package serviceusage

import (
	_ "embed"
	"maps"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

const host = "serviceusage.googleapis.com"

//go:embed services.tsv
var servicesFile string

// known are the titles of the services of Google that a project can enable, by name.
var known = sync.OnceValue(func() map[string]string { //nolint:gochecknoglobals // a constant table
	out := map[string]string{}
	for line := range strings.Lines(servicesFile) {
		if name, title, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok && !strings.HasPrefix(name, "#") {
			out[name] = title
		}
	}
	return out
})

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
	out := maps.Clone(known())
	for _, s := range svc.cloud.Services() {
		out[s.Host] = s.Title
	}
	return out
}
