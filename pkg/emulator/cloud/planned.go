package cloud

import (
	"net/http"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// Planned is the refusal that a fault plan names.
func Planned(e *faults.Error) wire.APIError {
	f := wire.APIError{Code: e.Status, Reason: e.Reason, Message: e.Message, Status: e.RPCStatus, Details: PlannedDetails(e.Details)}
	if f.Message == "" {
		f.Message = http.StatusText(f.Code)
	}
	return f
}

// PlannedDetails are the details of an error that a fault plan names, as google.rpc writes them.
func PlannedDetails(d faults.Details) []doc.Map {
	var out []doc.Map
	if i := d.ErrorInfo; i != nil {
		metadata := doc.Map{}
		for k, v := range i.Metadata {
			metadata[k] = v
		}
		out = append(out, ErrorInfo(i.Reason, i.Domain, metadata))
	}
	if len(d.Help) > 0 {
		links := []any{}
		for _, l := range d.Help {
			links = append(links, doc.Map{"description": l.Description, "url": l.URL})
		}
		out = append(out, doc.Map{"@type": "type.googleapis.com/google.rpc.Help", "links": links})
	}
	return out
}
