package cloud

import (
	"context"

	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/latency"
	"github.com/aiinfra/cluster-provision/pkg/emulator/operations"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Service is what one API of Google's is before it runs.
type Service struct {
	Host  string // "compute.googleapis.com"
	Title string // "Compute Engine API"
	// Roots are the beginnings of the paths that are this service's at www.googleapis.com, which several share.
	Roots []string
	// Unprefixed are those that are served at the root too, without the host in front, as some clients expect.
	Unprefixed []string
	// Rest is set by the service that has what is served at the root and begins like nobody else's path: /BUCKET/OBJECT.
	Rest bool
	// Off says that the API is disabled in a project that the API makes, until somebody enables it.
	Off bool
	// Batch is the path that takes several calls in one; "" when the service takes none.
	Batch string
	// Refuse is how it writes refusals.
	Refuse wire.Dialect
	// Latency is how long its work usually takes, by kind.
	Latency map[string]latency.Triple
	// Open gives what it does.
	Open func(*Cloud) (*Server, error)
}

// Server is what a service does. Only Serve must be set.
type Server struct {
	// Serve carries out a call. An error means that the connection broke.
	Serve func(context.Context, *wire.Request, faults.Effect) (*wire.Response, error)
	// Found puts into the world what a new project has of this service.
	Found func(tx *world.Tx, project string) error
	// FoundWith is the API that brings it when it is first enabled; empty for what is there whatever is enabled.
	FoundWith string
	// Accounts finds service accounts by email address, for all other services. At most one service has it.
	Accounts func(tx *world.Tx, email string) (ServiceAccount, bool)
	// Roles are those that a project's policy gives a member ("serviceAccount:EMAIL"). Only who keeps such policies sets it.
	Roles func(tx *world.Tx, project, member string) []string
	// Events are the handlers of its events, by the names under which they are stored.
	Events map[string]world.Handler
	// Lives are the lives of its things, by kind.
	Lives map[string]operations.Life
	// Operations are the dialects of its operations, by kind.
	Operations map[string]operations.Closer
}

// ServiceAccount is what services need to know of one.
type ServiceAccount struct {
	Project  string
	Disabled bool
}
