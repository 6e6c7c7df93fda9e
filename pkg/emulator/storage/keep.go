package storage

import (
	"fmt"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/rest"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// Holds, a bucket's retention policy and an object's own retention keep an object from being deleted, replaced or moved. What
// they refuse in which words, and in which order, was measured in 2026 by the tests of a public client library.

// kept refuses to let an object go. Under retention it may become noncurrent, under a hold not even that.
func (c *call) kept(o, bucket *world.Object, noncurrent bool) error {
	name := doc.Str(o.Doc, "name")
	for _, hold := range []struct{ field, word string }{{"temporaryHold", "Temporary"}, {"eventBasedHold", "Event-Based"}} {
		if doc.Bool(o.Doc, hold.field) {
			return wire.APIError{Code: 403, Reason: "forbidden", Message: fmt.Sprintf(
				"Object '%s/%s' is under active %s hold and cannot be deleted, overwritten or archived until hold is removed.", c.bucket, name, hold.word)}
		}
	}
	until, ok := c.retainedUntil(o, bucket)
	if !ok || noncurrent || !c.tx.Now().Before(until) {
		return nil
	}
	return wire.APIError{Code: 403, Reason: "retentionPolicyNotMet", Message: fmt.Sprintf(
		"Object '%s/%s' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until %s",
		c.bucket, name, until.In(time.FixedZone("", -7*60*60)).Format("2006-01-02T15:04:05.000000-07:00"))} // the time of California
}

// retainedUntil is when an object's retention ends, the bucket's or its own, whichever is later; false for none. The bucket's
// runs from the object's creation, or from when its event-based hold was released, and is not known while that holds.
func (c *call) retainedUntil(o, bucket *world.Object) (until time.Time, ok bool) {
	if own, err := time.Parse(time.RFC3339, doc.Str(o.Doc, "retention", "retainUntilTime")); err == nil {
		until, ok = own, true
	}
	period := doc.Num(bucket.Doc, "retentionPolicy", "retentionPeriod")
	if period == 0 || doc.Bool(o.Doc, "eventBasedHold") || o.Note["soft"] != nil {
		return until, ok
	}
	from := o.Created
	if released, err := time.Parse(time.RFC3339Nano, doc.Str(o.Note, "released")); err == nil {
		from = released
	}
	if end := from.Add(c.seconds(period)); end.After(until) {
		until = end
	}
	return until, true
}

var errRetentionAndHold = invalid("Retention and event based holds cannot be configured together.")

// changeRetention applies what a patch or an update says of retention, and what follows from a hold that it releases.
func (c *call) changeRetention(next, old, bucket *world.Object, body doc.Map) error {
	if doc.Bool(old.Doc, "eventBasedHold") && !doc.Bool(next.Doc, "eventBasedHold") {
		if next.Note == nil {
			next.Note = map[string]any{}
		}
		next.Note["released"] = c.tx.Now().Format(time.RFC3339Nano)
	}
	v, given := body["retention"]
	if !given {
		return c.together(next.Doc)
	}
	m, _ := v.(doc.Map)
	had := doc.Object(old.Doc, "retention")
	locked, override := doc.Str(had, "mode") == "Locked", rest.True(c.r.Query, "overrideUnlockedRetention")
	if m == nil || len(m) > 0 && onlyNulls(m) { // it is removed
		if had != nil && locked {
			return errLockedRetention
		}
		if had != nil && !override {
			return errUnlockedRetention
		}
		delete(next.Doc, "retention")
		return nil
	}
	if len(m) == 0 {
		return nil
	}
	until, err := c.checkRetention(m, bucket)
	if err != nil {
		return err
	}
	if before, err := time.Parse(time.RFC3339, doc.Str(had, "retainUntilTime")); err == nil {
		locks, shorter := doc.Str(m, "mode") == "Locked", until.Before(before)
		switch {
		case locked && (!locks || shorter):
			return errLockedRetention
		case !locked && (locks || shorter) && !override:
			return errUnlockedRetention
		}
	}
	next.Doc["retention"] = doc.Map{"mode": m["mode"], "retainUntilTime": m["retainUntilTime"]}
	return c.together(next.Doc)
}

var (
	errLockedRetention = wire.APIError{Code: 403, Reason: "forbidden",
		Message: "The locked object retention cannot be removed. Its retention mode cannot be changed and its retention period cannot be shortened."}
	errUnlockedRetention = wire.APIError{Code: 403, Reason: "forbidden",
		Message: "The unlocked object retention cannot be removed and its retention period cannot be shortened without overriding unlocked retention intent and permission."}
)

// together refuses an object with retention of its own and an event-based hold.
func (c *call) together(d doc.Map) error {
	if doc.Object(d, "retention") != nil && doc.Bool(d, "eventBasedHold") {
		return errRetentionAndHold
	}
	return nil
}

// checkRetention refuses what an object's own retention cannot be, and gives its end.
func (c *call) checkRetention(m doc.Map, bucket *world.Object) (time.Time, error) {
	mode, text := doc.Str(m, "mode"), doc.Str(m, "retainUntilTime")
	until, err := time.Parse(time.RFC3339, text)
	switch {
	case doc.Object(bucket.Doc, "objectRetention") == nil:
		return until, invalid("Object retention is not enabled on the bucket.")
	case mode == "":
		return until, invalid("Missing retention mode. Both mode and retain until time are required.")
	case text == "":
		return until, invalid("Missing retain until time. Both mode and retain until time are required.")
	case mode != "Locked" && mode != "Unlocked":
		return until, invalid("Invalid value for: %s is not a valid value", mode)
	case err != nil:
		return until, invalid("Parse Error: Invalid value for type.googleapis.com/google.protobuf.Timestamp field: 'Field 'retainUntilTime', " +
			"Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset.'.")
	case !until.After(c.tx.Now()):
		return until, invalid("Retain until time cannot be in the past.")
	}
	return until, nil
}
