package front

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
)

// serveControl serves the emulator's own pages. They are no API calls: they take no time and are not logged.
func (f *Front) serveControl(w http.ResponseWriter, method, path string, body []byte) {
	var v any
	var err error
	switch method + " " + path {
	case "GET /_emulator/resources":
		v, err = f.cloud.Resources()
	case "GET /_emulator/calls":
		v, err = f.Calls()
	case "POST /_emulator/faults":
		var plan *faults.Plan
		if plan, err = faults.Parse(body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		err = f.cloud.SetFaults(plan)
		v = map[string]int{"rules": len(plan.Rules)}
	default:
		http.Error(w, fmt.Sprintf("the emulator does not know %s %s; it knows GET /_emulator/resources, GET /_emulator/calls and POST /_emulator/faults",
			method, path), http.StatusNotImplemented)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that has gone away is its own affair
}
