package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// GKE is an operation of the Kubernetes Engine API, which has a dialect of its own. get is its GetOperation, by the name
// "projects/P/locations/L/operations/OP". Its types cost the program 1.5 MB.
func GKE(get func(ctx context.Context, name string) (*containerpb.Operation, error), op *containerpb.Operation) Operation {
	return &gkeOperation{get, op}
}

type gkeOperation struct {
	get func(context.Context, string) (*containerpb.Operation, error)
	op  *containerpb.Operation
}

// name is the name by which GetOperation finds it: the answer has only its last part, the location in "location" or, older, in
// "zone", and the project, by its number, in the link (recorded: gke-*.log).
func (o *gkeOperation) name() string {
	link := Path(o.op.GetSelfLink())
	location := cmp.Or(o.op.GetLocation(), o.op.GetZone(), pathPart(link, "locations"), pathPart(link, "zones")) //nolint:staticcheck // deprecated, and still what is answered
	return fmt.Sprintf("projects/%s/locations/%s/operations/%s", pathPart(link, "projects"), location, o.op.GetName())
}

// Poll asks once: the API has no method that waits.
func (o *gkeOperation) Poll(ctx context.Context) error {
	next, err := o.get(ctx, o.name())
	if err != nil {
		return Lost(Wrap("", err))
	}
	o.op = next
	return nil
}

// Done says that it has ended; ABORTING has not.
func (o *gkeOperation) Done() bool { return o.op.GetStatus() == containerpb.Operation_DONE }

// Err is what it ended with. An operation that failed is DONE with "error", with the deprecated "statusMessage", or with both; its
// conditions tell a zone without capacity and a quota (gcp-facts, section 11).
func (o *gkeOperation) Err(id resources.ID) error {
	said := o.op.GetError()
	text := cmp.Or(said.GetMessage(), o.op.GetStatusMessage()) //nolint:staticcheck // deprecated, and still the only one at times
	rpc := said.GetCode()
	if rpc == int32(code.Code_OK) && text == "" {
		return nil
	}
	if rpc == int32(code.Code_OK) {
		rpc = int32(code.Code_UNKNOWN) // there is a text and no code
	}
	if said.GetMessage() != "" && said.GetCode() != int32(code.Code_OK) && len(said.GetDetails()) > 0 {
		return errors.Join(append([]error{FromStatus(id, said)}, o.conditions(id)...)...)
	}
	return errors.Join(append([]error{FromRPC(id, rpc, text)}, o.conditions(id)...)...)
}

// conditions are the further reasons that the operation names, about the cluster and about node pools.
func (o *gkeOperation) conditions(id resources.ID) []error {
	var out []error
	for _, c := range append(o.op.GetClusterConditions(), o.op.GetNodepoolConditions()...) { //nolint:staticcheck // deprecated, and where the reason is
		rpc := int32(c.GetCanonicalCode())
		if rpc == int32(code.Code_OK) {
			rpc = int32(code.Code_UNKNOWN)
		}
		out = append(out, FromRPC(id, rpc, c.GetMessage(), c.GetCode().String())) //nolint:staticcheck // likewise
	}
	return out
}

// Detail is what the API says about it meanwhile.
func (o *gkeOperation) Detail() string { return o.op.GetDetail() }
