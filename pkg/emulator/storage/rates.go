package storage

import (
	"fmt"
	"net/url"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// burst is how many changes come through at once before the limit of one a second holds. The quotas page gives the limit for
// an object's name and for a bucket's settings, and says that what is above it "might" be refused. Measured for a bucket's
// policy: eight writes back to back are taken, the ninth is 429. Assumed: it is the same for an object's name.
const burst = 8

// objectRate refuses changes of one object's name that come too fast; deletions count.
func (c *call) objectRate(object string) error {
	if c.within("rate/" + c.bucket + "/o/" + url.PathEscape(object)) {
		return nil
	}
	return tooFast(fmt.Sprintf("The object %s/%s exceeded the rate limit for object mutation operations (create, update, and delete). "+
		"Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.", c.bucket, object)) // reported
}

// bucketRate refuses changes of a bucket's settings or policy that come too fast. Its words are assumed.
func (c *call) bucketRate() error {
	if c.within("rate/" + c.bucket) {
		return nil
	}
	return tooFast(fmt.Sprintf("The bucket %s exceeded the rate limit for bucket metadata update operations. "+
		"Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.", c.bucket))
}

func tooFast(message string) error {
	return wire.APIError{Code: 429, Reason: "rateLimitExceeded", Domain: "usageLimits", Message: message}
}

// within takes one of the changes that are allowed by now; false when there is none.
func (c *call) within(name string) bool {
	left, now := float64(burst), c.tx.Now()
	if o, ok := c.tx.Get(name); ok {
		if last, err := time.Parse(time.RFC3339Nano, doc.Str(o.Note, "last")); err == nil {
			had, _ := o.Note["left"].(float64)
			left = min(burst, had+float64(now.Sub(last))/float64(c.svc.cloud.Scaled(time.Second)))
		}
	}
	if left < 1 {
		return false
	}
	c.tx.Put(&world.Object{Name: name, Note: map[string]any{"last": now.Format(time.RFC3339Nano), "left": left - 1}})
	return true
}
