// Package cloud is what all services share, and knows none of them: the world, operations, time, faults, which projects exist,
// which APIs are enabled in them, which permissions the caller has, and how a call is carried out in the world.
//
// A service is a package with a function that gives a Service. Its Open gets the Cloud and gives back what it does: how it
// serves calls, what a new project has of it, events, the lives of its things, the dialects of its operations.
//
// Worked example:
//
//	func Service() cloud.Service {
//		return cloud.Service{Host: "file.googleapis.com", Title: "Cloud Filestore API", Refuse: wire.RPC, Open: open}
//	}
//
//	func open(c *cloud.Cloud) (*cloud.Server, error) {
//		return &cloud.Server{Serve: func(ctx context.Context, r *wire.Request, fx faults.Effect) (*wire.Response, error) {
//			return c.Carry(r, func(tx *world.Tx) (any, error) { … })
//		}}, nil
//	}
package cloud
