package gcp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	compute "cloud.google.com/go/compute/apiv1"
	resourcemanager "cloud.google.com/go/resourcemanager/apiv3"
	serviceusage "cloud.google.com/go/serviceusage/apiv1"
	"cloud.google.com/go/storage"
	"golang.org/x/oauth2"
	iam "google.golang.org/api/iam/v1"
	"google.golang.org/api/option"
)

// Options say which cloud, and how.
type Options struct {
	// Transport carries every call; nil is the real network with the user's credentials.
	Transport http.RoundTripper
	// Endpoint, when given, is the URL under which every API is reached, as in URL/compute.googleapis.com/compute/v1/….
	// No credentials are looked for when its host is loopback.
	Endpoint string
	// Pace makes waiting so many times as quick: 1, or the time scale of an emulator. 0 means 1.
	Pace float64
	// UserAgent names the program to the cloud.
	UserAgent string
	// Log gets every call at debug level: method, path, status, duration; never a body, never a header. May be nil.
	Log *slog.Logger
	// Stop gives what is closed by the user's first signal. From then on no call is made again: what is under way may end, a
	// pause ends at once with an error of class ClassInterrupted. It is asked at each pause, since what is started after a
	// signal on purpose, such as a clean-up, waits for the next one. May be nil.
	Stop func() <-chan struct{}
	// Retrying is told when a call has failed for some seconds, and then now and then over all calls. May be nil; it is called
	// from many goroutines.
	Retrying func(Retry)
}

// Clients are the clients of all APIs that kinds use.
type Clients struct {
	Networks         *compute.NetworksClient
	Subnetworks      *compute.SubnetworksClient
	Firewalls        *compute.FirewallsClient
	Routes           *compute.RoutesClient
	Routers          *compute.RoutersClient
	Instances        *compute.InstancesClient
	Templates        *compute.InstanceTemplatesClient
	Groups           *compute.InstanceGroupManagersClient
	Images           *compute.ImagesClient
	MachineTypes     *compute.MachineTypesClient
	AcceleratorTypes *compute.AcceleratorTypesClient
	Zones            *compute.ZonesClient
	Addresses        *compute.AddressesClient
	ForwardingRules  *compute.ForwardingRulesClient
	Disks            *compute.DisksClient
	Regions          *compute.RegionsClient
	ComputeProjects  *compute.ProjectsClient // what Compute Engine says of a project: its quotas
	GlobalOperations *compute.GlobalOperationsClient
	RegionOperations *compute.RegionOperationsClient
	ZoneOperations   *compute.ZoneOperationsClient
	Projects         *resourcemanager.ProjectsClient
	Services         *serviceusage.Client
	Storage          *storage.Client
	ServiceAccounts  *iam.ProjectsServiceAccountsService // cloud.google.com/go/iam/admin speaks gRPC only

	// HTTP is what carries all of them, for an API without a library of its own.
	HTTP *http.Client

	pace float64
}

// New makes the clients. It calls nothing but, for the real cloud, what finds the user's credentials; their absence is an
// error of class ClassUnauthenticated with the command that mends it.
func New(ctx context.Context, opt Options) (*Clients, error) {
	rt, err := newTransport(ctx, opt)
	if err != nil {
		return nil, err
	}
	c := &Clients{HTTP: &http.Client{Transport: rt}, pace: opt.Pace}
	if c.pace <= 0 {
		c.pace = 1
	}
	o := []option.ClientOption{option.WithHTTPClient(c.HTTP)}
	if opt.UserAgent != "" {
		o = append(o, option.WithUserAgent(opt.UserAgent))
	}
	errs := []error{
		build(ctx, o, &c.Networks, compute.NewNetworksRESTClient),
		build(ctx, o, &c.Subnetworks, compute.NewSubnetworksRESTClient),
		build(ctx, o, &c.Firewalls, compute.NewFirewallsRESTClient),
		build(ctx, o, &c.Routes, compute.NewRoutesRESTClient),
		build(ctx, o, &c.Routers, compute.NewRoutersRESTClient),
		build(ctx, o, &c.Instances, compute.NewInstancesRESTClient),
		build(ctx, o, &c.Templates, compute.NewInstanceTemplatesRESTClient),
		build(ctx, o, &c.Groups, compute.NewInstanceGroupManagersRESTClient),
		build(ctx, o, &c.Images, compute.NewImagesRESTClient),
		build(ctx, o, &c.MachineTypes, compute.NewMachineTypesRESTClient),
		build(ctx, o, &c.AcceleratorTypes, compute.NewAcceleratorTypesRESTClient),
		build(ctx, o, &c.Zones, compute.NewZonesRESTClient),
		build(ctx, o, &c.Addresses, compute.NewAddressesRESTClient),
		build(ctx, o, &c.ForwardingRules, compute.NewForwardingRulesRESTClient),
		build(ctx, o, &c.Disks, compute.NewDisksRESTClient),
		build(ctx, o, &c.Regions, compute.NewRegionsRESTClient),
		build(ctx, o, &c.ComputeProjects, compute.NewProjectsRESTClient),
		build(ctx, o, &c.GlobalOperations, compute.NewGlobalOperationsRESTClient),
		build(ctx, o, &c.RegionOperations, compute.NewRegionOperationsRESTClient),
		build(ctx, o, &c.ZoneOperations, compute.NewZoneOperationsRESTClient),
		build(ctx, o, &c.Projects, resourcemanager.NewProjectsRESTClient),
		build(ctx, o, &c.Services, serviceusage.NewRESTClient),
	}
	accounts, err := iam.NewService(ctx, o...)
	if err == nil {
		c.ServiceAccounts = accounts.Projects.ServiceAccounts
	}
	errs = append(errs, err)
	// Reads over JSON: the default reads go to the XML API, which is another dialect for nothing.
	// The token source is never asked, since the transport signs; without it the library looks for credentials of its own,
	// and so for a metadata server on the network.
	c.Storage, err = storage.NewClient(ctx, append(o, storage.WithJSONReads(), option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{})))...)
	if err == nil {
		c.Storage.SetRetry(storage.WithPolicy(storage.RetryNever)) // the transport tries again, and nobody else
	}
	return c, errors.Join(append(errs, err)...)
}

func build[C any](ctx context.Context, o []option.ClientOption, into **C, make func(context.Context, ...option.ClientOption) (*C, error)) error {
	client, err := make(ctx, o...)
	*into = client
	return err
}
