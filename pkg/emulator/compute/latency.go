package compute

import (
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
)

// typical is how long the work of Compute Engine usually takes, in seconds: the project's own table of estimates. Sources: public
// Terraform logs and operation records of 2020-2026, read as intervals because Terraform polls every 10 s; "guess" marks rows
// without evidence.
var typical = map[string]latency.Triple{ //nolint:gochecknoglobals // a constant table
	"compute_network.create":            {Low: 9, Typical: 14, High: 25},
	"compute_network.create_auto":       {Low: 28, Typical: 40, High: 56},
	"compute_network.update":            {Low: 3, Typical: 6, High: 12},  // guess, as a firewall
	"compute_network.peering":           {Low: 8, Typical: 14, High: 30}, // guess, as the creation of a network
	"compute_network.delete":            {Low: 8, Typical: 14, High: 20},
	"compute_network.delete_auto":       {Low: 35, Typical: 43, High: 65},
	"compute_subnetwork.create":         {Low: 5, Typical: 9, High: 18},
	"compute_subnetwork.update":         {Low: 3, Typical: 6, High: 12}, // guess
	"compute_subnetwork.delete":         {Low: 6, Typical: 10, High: 18},
	"compute_firewall.create":           {Low: 4, Typical: 7, High: 14},
	"compute_firewall.update":           {Low: 3, Typical: 6, High: 12}, // guess
	"compute_firewall.delete":           {Low: 3, Typical: 6, High: 10},
	"compute_route.create":              {Low: 4, Typical: 7, High: 14}, // guess, as a firewall
	"compute_route.delete":              {Low: 3, Typical: 6, High: 10}, // guess
	"compute_router.create":             {Low: 2, Typical: 5, High: 12},
	"compute_router.create_nat":         {Low: 3, Typical: 6, High: 14},
	"compute_router.update":             {Low: 3, Typical: 6, High: 14},
	"compute_router.delete":             {Low: 2, Typical: 5, High: 10},
	"compute_network_attachment.create": {Low: 3, Typical: 6, High: 12}, // guess, as a firewall; so the others of its kind
	"compute_network_attachment.update": {Low: 3, Typical: 6, High: 12},
	"compute_network_attachment.delete": {Low: 3, Typical: 6, High: 12},
	"compute_resource_policy.create":    {Low: 1, Typical: 2, High: 5}, // guess
	"compute_resource_policy.delete":    {Low: 1, Typical: 2, High: 5}, // guess
	"compute_project.update":            {Low: 2, Typical: 4, High: 8}, // guess, as the metadata of a VM
	"compute_instance_template.create":  {Low: 1, Typical: 2, High: 3},
	"compute_instance_template.delete":  {Low: 1, Typical: 4, High: 10},
	"compute_group.create":              {Low: 10, Typical: 16, High: 25},
	"compute_group.update":              {Low: 2, Typical: 4, High: 8}, // guess
	"compute_group.delete":              {Low: 60, Typical: 75, High: 120},
	"compute_instance.create":           {Low: 7, Typical: 15, High: 45},
	"compute_instance.update":           {Low: 2, Typical: 4, High: 8}, // guess
	"compute_instance.delete":           {Low: 12, Typical: 22, High: 95},
	"compute_instance.provision":        {Low: 1, Typical: 3, High: 6},     // guess: of its creation, until STAGING
	"compute_instance.start":            {Low: 5, Typical: 12, High: 40},   // guess, as a creation without the disk
	"compute_instance.stop":             {Low: 20, Typical: 45, High: 95},  // guess: the guest has 90 s to shut down
	"compute_instance.suspend":          {Low: 20, Typical: 40, High: 120}, // guess
	"compute_instance.resume":           {Low: 10, Typical: 20, High: 60},  // guess
	"compute_disk.create":               {Low: 2, Typical: 5, High: 12},    // guess
	"compute_disk.update":               {Low: 1, Typical: 3, High: 6},     // guess
	"compute_disk.delete":               {Low: 1, Typical: 3, High: 6},     // guess
	"compute_address.create":            {Low: 3, Typical: 6, High: 12},
	"compute_address.update":            {Low: 2, Typical: 4, High: 8}, // guess
	"compute_address.delete":            {Low: 3, Typical: 6, High: 10},
	"compute_group.standby":             {Low: 15, Typical: 30, High: 90}, // guess: stopping or suspending a VM
	"compute_group.wake":                {Low: 10, Typical: 20, High: 60}, // guess: starting or resuming a VM
	"compute_group.restart":             {Low: 25, Typical: 45, High: 90}, // guess: stopping and starting a VM
	"compute_health_check.create":       {Low: 2, Typical: 5, High: 12},   // guess
	"compute_health_check.update":       {Low: 2, Typical: 5, High: 12},   // guess
	"compute_health_check.delete":       {Low: 2, Typical: 5, High: 12},   // guess
	"guest.proxy":                       {Low: 20, Typical: 40, High: 90}, // guess: a Deep Learning VM registers with the Jupyter proxy after boot
}
