package offer

import (
	"net/netip"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Query is what is asked. What is left empty is not asked, so an empty Query makes no call.
type Query struct {
	Project        bool     // whether the project can be seen
	APIs           []string // which of these are not enabled
	Machine        string   // whether the zone has the machine type
	GPU            string   // and, with Machine, the accelerator type
	Image          ImageQuery
	Network        string     // the subnetworks that a network of this name has in the region
	NAT            bool       // and whether it has a NAT there
	Ranges         bool       // the address ranges that the project's networks use
	ServiceAccount string     // whether it is there: an e-mail, or "default" for Compute Engine's own
	Quotas         []QuotasOf // limits and usage
}

// QuotasOf names a place that has quotas: a region, or "" for the project as a whole.
type QuotasOf string

// ImageQuery asks for the image that VMs are to boot from: a name, or the newest of a family.
type ImageQuery struct {
	Project, Family, Name string
	Others                bool // when the family is absent: which families there are
}

// Answer is what was found. A nil part was not asked or could not be read; the error beside the Answer tells why.
type Answer struct {
	Problems       resources.Problems // with the project and its APIs
	Machine        *Machine
	Image          *Image
	Network        *Network
	Ranges         []Range
	RangesRead     bool // Ranges holds all of them
	ServiceAccount *Account
	Quotas         map[resources.Quota]Amount // only those that the cloud told
}

// Machine says what the zone has.
type Machine struct {
	NoZone, NoMachine, NoGPU bool
	Zones                    []string // of a machine type that the zone does not have: where it is, sorted
}

// Image is an image, or that there is none.
type Image struct {
	Absent   bool
	Path     string   // "projects/PROJECT/global/images/NAME"
	Families []Family // of the project, when it was absent and they were asked for; the newest first
}

// Family is an image family with its newest image.
type Family struct{ Name, Path string }

// Network is a network of the project, or that there is none.
type Network struct {
	Absent      bool
	Subnetworks []string // paths, sorted, of those in the region that VMs can be in
	NAT         bool
}

// Range is an IPv4 range in use.
type Range struct {
	Prefix  netip.Prefix
	User    string // path of the subnetwork or the route
	Network string // path of its network
}

// Account is a service account, or what is known of it.
type Account struct {
	Email            string // "default" resolved
	Absent, Disabled bool
	Unread           string // the cloud's words when the caller may not look; nothing else is known then
}

// Amount is a quota.
type Amount struct{ Limit, Usage float64 }
