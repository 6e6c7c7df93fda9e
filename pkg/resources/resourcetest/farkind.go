package resourcetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/api/googleapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
)

// FarKind is the kind's name.
const FarKind resources.Kind = "far"

// FarSpec is a wanted thing of FarCloud: the kind that is as far as can be from Compute Engine's, for tests of the contract.
type FarSpec struct {
	Peer     resources.Ref[string] `json:"peer"`               // address of another thing: a promise
	Size     int                   `json:"size"`               // changes in place
	Unmarked bool                  `json:"unmarked,omitempty"` // there is no place for a mark; the name is ours then
	Brings   string                `json:"brings,omitempty"`   // name of an unmarked thing that the cloud makes with this one
	Foreseen bool                  `json:"foreseen,omitempty"` // another thing brings it
	Group    string                `json:"group,omitempty"`    // one change at a time in it
}

// FarOutputs is what a thing publishes.
type FarOutputs struct {
	Address string `json:"address"` // picked by the cloud
}

// FarHandle stands for a thing that is wanted.
type FarHandle struct{ address resources.Address }

// Node is the thing's node.
func (h FarHandle) Node() resources.Address { return h.address }

// Address is what the cloud will pick.
func (h FarHandle) Address() resources.Ref[string] {
	return resources.Promise[string](h.address, "address")
}

// AddFar wants a thing in the scope's zone.
func AddFar(set *resources.Set, name string, s FarSpec) FarHandle {
	return FarHandle{set.Put(FarKind, name, s)}
}

// Far is the driver.
type Far struct{ c *gcp.Clients }

// NewFar gives the driver over clients whose transport reaches a FarCloud.
func NewFar(c *gcp.Clients) Far { return Far{c} }

// Kind names the kind.
func (Far) Kind() resources.Kind { return FarKind }

// Refs is the peer.
func (Far) Refs(s *FarSpec) []resources.Dep { return []resources.Dep{&s.Peer} }

// ID is the name where it is ours, and otherwise a stand-in that holds the mark: "…/things/-/OWNER/NAME".
func (Far) ID(scope resources.Scope, name string, s FarSpec) resources.ID {
	zone := fmt.Sprintf("projects/%s/zones/%s/things/", scope.Project, scope.Zone)
	if s.Unmarked {
		return resources.NewID(FarHost, zone+scope.Name(name))
	}
	return resources.NewID(FarHost, zone+"-/"+scope.Owner+"/"+name)
}

// mark is the owner and the name in a stand-in.
func mark(id resources.ID) (owner, name string, ok bool) {
	if id.Part("things") != "-" {
		return "", "", false
	}
	return id.Part("-"), id.Base(), true
}

func zoneOf(id resources.ID) string {
	return fmt.Sprintf("projects/%s/zones/%s", id.Project(), id.Part("zones"))
}

// Check wants a size.
func (Far) Check(s FarSpec) []resources.Problem {
	if s.Size < 1 {
		return []resources.Problem{{Path: "size", Message: "must be 1 or more"}}
	}
	return nil
}

// Compare says what differs.
func (Far) Compare(want, have FarSpec) []resources.Change {
	return resources.Join(
		resources.RefField("peer", want.Peer, have.Peer, resources.Replace),
		resources.Field("size", want.Size, have.Size, resources.InPlace),
		resources.Field("unmarked", want.Unmarked, have.Unmarked, resources.Replace),
		resources.Field("brings", want.Brings, have.Brings, resources.Replace),
	)
}

// Exclusive is the group.
func (Far) Exclusive(id resources.ID, s FarSpec) string {
	if s.Group == "" {
		return ""
	}
	return zoneOf(id) + "/" + s.Group
}

// MayExist is whether another thing brings it.
func (Far) MayExist(s FarSpec) bool { return s.Foreseen }

// Estimate is what FarCloud takes.
func (Far) Estimate(v resources.Verb, _ FarSpec, _ resources.Impact) time.Duration {
	return v.Pick(FarCreates, FarUpdates, FarDeletes)
}

// Read finds a thing by its name or by its mark.
func (f Far) Read(ctx context.Context, id resources.ID) (resources.Live[FarSpec, FarOutputs], error) {
	t, err := f.find(ctx, id)
	if err != nil {
		return resources.Live[FarSpec, FarOutputs]{}, err
	}
	return resources.Live[FarSpec, FarOutputs]{
		ID: resources.NewID(FarHost, t.Name), Owner: t.Labels["owner"], Unmarked: len(t.Labels) == 0, Pending: t.State != "READY",
		Spec:    FarSpec{Peer: resources.Known(t.Peer), Size: t.Size, Unmarked: len(t.Labels) == 0, Brings: t.Brings, Group: t.Group},
		Outputs: FarOutputs{Address: t.Address},
	}, nil
}

func (f Far) find(ctx context.Context, id resources.ID) (*farThing, error) {
	owner, name, standIn := mark(id)
	if !standIn {
		t := &farThing{}
		return t, f.json(ctx, id, http.MethodGet, id.Path(), nil, nil, t)
	}
	list, err := f.list(ctx, id, zoneOf(id), url.Values{"owner": {owner}, "name": {name}})
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, fmt.Errorf("%s: %w", id.Path(), resources.ErrNotFound)
	case len(list) > 1:
		return nil, fmt.Errorf("%s: %d things carry the mark", id.Path(), len(list))
	}
	return list[0], nil
}

func (f Far) list(ctx context.Context, id resources.ID, zone string, q url.Values) ([]*farThing, error) {
	var answer struct{ Things []*farThing }
	err := f.json(ctx, id, http.MethodGet, zone+"/things", q, nil, &answer)
	return answer.Things, err
}

// Create makes a thing. Where the server picks the name nothing is refused for being there already, so what carries the mark is
// looked for first, after whatever is under way: it is ours to go on with if this very step has made it.
func (f Far) Create(ctx context.Context, id resources.ID, s FarSpec, stamp resources.Stamp) error {
	owner, name, standIn := mark(id)
	body := farThing{Name: id.Base(), Peer: s.Peer.Get(), Size: s.Size, Brings: s.Brings, Group: s.Group}
	if standIn {
		body.Name, body.Labels = "", map[string]string{"owner": stamp.Owner, "name": name, "step": stamp.RequestID}
		if owner != stamp.Owner {
			return fmt.Errorf("%s is not for %q", id, stamp.Owner)
		}
	}
	return f.c.Again(ctx, stamp, "create", func(ctx context.Context, request string) error {
		if standIn {
			if _, err := f.Settle(ctx, id); err != nil {
				return err
			}
			there, err := f.find(ctx, id)
			switch {
			case err == nil && there.Labels["step"] == stamp.RequestID:
				return nil
			case err == nil:
				return gcp.FromRPC(id, 6, fmt.Sprintf("The resource '%s' already exists", there.Name))
			case !errors.Is(err, resources.ErrNotFound):
				return err
			}
		}
		return f.start(ctx, id, http.MethodPost, zoneOf(id)+"/things", request, body, FarCreates)
	})
}

// Update changes the size.
func (f Far) Update(ctx context.Context, live resources.Live[FarSpec, FarOutputs], s FarSpec, changes []resources.Change, stamp resources.Stamp) error {
	if len(changes) == 0 {
		_, err := f.Settle(ctx, live.ID)
		return err
	}
	return f.c.Again(ctx, stamp, "update", func(ctx context.Context, request string) error {
		return f.start(ctx, live.ID, http.MethodPatch, live.ID.Path(), request, farThing{Size: s.Size}, FarUpdates)
	})
}

// Delete removes a thing.
func (f Far) Delete(ctx context.Context, id resources.ID, stamp resources.Stamp) error {
	err := f.c.Again(ctx, stamp, "delete", func(ctx context.Context, request string) error {
		return f.start(ctx, id, http.MethodDelete, id.Path(), request, nil, FarDeletes)
	})
	if errors.Is(err, resources.ErrNotFound) {
		return nil
	}
	return err
}

// Settle waits for the operations under way on a thing; one that is only known by its mark is found by it.
func (f Far) Settle(ctx context.Context, id resources.ID) (bool, error) {
	var raw json.RawMessage
	if err := f.json(ctx, id, http.MethodGet, zoneOf(id)+"/operations", nil, nil, &raw); err != nil {
		return false, err
	}
	list := &longrunningpb.ListOperationsResponse{}
	if err := protojson.Unmarshal(raw, list); err != nil {
		return false, err
	}
	owner, name, standIn := mark(id)
	busy := false
	for _, op := range list.GetOperations() {
		m := metadata(op)
		if marked := standIn && m["owner"] == owner && m["mark"] == name; !marked && m["target"] != id.Path() {
			continue
		}
		busy = true
		if err := f.wait(ctx, id, op, FarCreates); err != nil && ctx.Err() != nil { // what an operation that failed has left is seen by looking
			return true, err
		}
	}
	return busy, nil
}

// Sweep lists what carries the owner's mark, in all zones.
func (f Far) Sweep(ctx context.Context, scope resources.Scope, owner string) ([]resources.ID, error) {
	list, err := f.list(ctx, "", "projects/"+scope.Project+"/zones/-", url.Values{"owner": {owner}})
	var out []resources.ID
	for _, t := range list {
		out = append(out, resources.NewID(FarHost, t.Name))
	}
	return out, err
}

// start makes a change and waits for it.
func (f Far) start(ctx context.Context, id resources.ID, method, path, request string, body any, usually time.Duration) error {
	var raw json.RawMessage
	if err := f.json(ctx, id, method, path, url.Values{"requestId": {request}}, body, &raw); err != nil {
		return err
	}
	op := &longrunningpb.Operation{}
	if err := protojson.Unmarshal(raw, op); err != nil {
		return err
	}
	return f.wait(ctx, id, op, usually)
}

// wait waits for an operation and tells how far it is.
func (f Far) wait(ctx context.Context, id resources.ID, op *longrunningpb.Operation, usually time.Duration) error {
	return f.c.Wait(ctx, id, gcp.LongRunning(func(ctx context.Context, name string) (*longrunningpb.Operation, error) {
		var raw json.RawMessage
		if err := f.json(ctx, "", http.MethodGet, name, nil, nil, &raw); err != nil {
			return nil, err
		}
		next := &longrunningpb.Operation{}
		if err := protojson.Unmarshal(raw, next); err != nil {
			return nil, err
		}
		if parts, ok := metadata(next)["parts"].(float64); ok {
			resources.Tell(ctx, resources.Progress{Done: int(parts), Total: farParts, Waiting: "parts of " + id.Base()})
		}
		return next, nil
	}, op), gcp.Pace{Usually: usually})
}

func metadata(op *longrunningpb.Operation) map[string]any {
	s := &structpb.Struct{}
	if err := op.GetMetadata().UnmarshalTo(s); err != nil {
		return nil
	}
	return s.AsMap()
}

// json makes one call over the transport of all clients, which tries again.
func (f Far) json(ctx context.Context, id resources.ID, method, path string, q url.Values, body, into any) error {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(raw)
	}
	u := url.URL{Scheme: "https", Host: FarHost, Path: "/v1/" + path, RawQuery: q.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := f.c.HTTP.Do(r)
	if err != nil {
		return gcp.Wrap(id, err)
	}
	err = googleapi.CheckResponse(resp)
	if err == nil {
		err = json.NewDecoder(resp.Body).Decode(into)
	}
	return gcp.Wrap(id, errors.Join(err, resp.Body.Close()))
}
