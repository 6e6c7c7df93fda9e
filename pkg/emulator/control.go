package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// serveControl serves the emulator's own pages. They are no API calls: they take no time and are not logged.
func (em *Emulator) serveControl(w http.ResponseWriter, method, path string, body []byte) {
	var v any
	var err error
	switch method + " " + path {
	case "GET /_emulator/resources":
		v, err = em.Resources()
	case "GET /_emulator/calls":
		v, err = em.Calls()
	case "POST /_emulator/faults":
		var plan *FaultPlan
		if plan, err = ParseFaultPlan(body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		err = em.SetFaults(plan)
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
