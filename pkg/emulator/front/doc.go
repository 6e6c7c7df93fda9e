// Package front is the door of the emulator: a transport for clients in the same process and an http.Handler for everybody else.
// It takes calls apart, logs them, lets faults strike, and routes them by host. It knows no service.
//
// Worked example:
//
//	f, err := front.Open(c, dir) // c is a *cloud.Cloud
//	client := &http.Client{Transport: f.Transport()}
package front
