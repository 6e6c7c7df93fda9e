package storage

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// settings applies the fields of a body to a bucket's resource. How each is merged, and what is refused in which words, was
// measured in 2026 by the tests of a public client library, where nothing else is said.
type settings struct {
	c        *call
	d        doc.Map
	creating bool
}

func (s *settings) apply(field string, v any) error {
	switch field {
	case "labels":
		return s.labels(v)
	case "lifecycle":
		return s.lifecycle(v)
	case "softDeletePolicy":
		return s.softDelete(v)
	case "retentionPolicy":
		return s.retention(v)
	case "iamConfiguration":
		return s.iam(v)
	case "autoclass":
		s.autoclass(v)
	case "storageClass":
		text, _ := v.(string)
		class, ok := storageClass(cmp.Or(text, "STANDARD"))
		if !ok {
			return invalid("Invalid storage class \"%s\"", text)
		}
		s.d[field] = class
	case "rpo":
		if v != s.d[field] && v != nil {
			return wire.ErrNotEmulated // turbo replication
		}
	case "encryption", "ipFilter":
		if m, ok := v.(doc.Map); ok && len(m) > 0 && !onlyNulls(m) {
			return wire.ErrNotEmulated
		}
	case "hierarchicalNamespace":
		if m, ok := v.(doc.Map); ok && s.creating && doc.Bool(m, "enabled") {
			return wire.ErrNotEmulated
		}
	case "billing", "cors", "defaultEventBasedHold", "logging", "versioning", "website":
		s.plain(field, v)
	}
	return nil // what only the server writes, and what it does not know, is not looked at
}

// plain replaces a list or a value and merges a message.
func (s *settings) plain(field string, v any) {
	switch x := v.(type) {
	case nil:
		delete(s.d, field)
	case doc.Map:
		have := doc.Map{}
		if old := doc.Object(s.d, field); old != nil && !s.creating {
			have = old
		}
		merge(have, x)
		s.d[field] = have
		if len(have) == 0 {
			delete(s.d, field)
		}
	case []any:
		s.d[field] = x
		if len(x) == 0 {
			delete(s.d, field)
		}
	default:
		s.d[field] = v
	}
}

// merge takes fields from a patch; null removes.
func merge(d, patch doc.Map) {
	for k, v := range patch {
		if v == nil {
			delete(d, k)
		} else {
			d[k] = v
		}
	}
}

func onlyNulls(m doc.Map) bool {
	for _, v := range m {
		if v != nil && v != "" {
			return false
		}
	}
	return true
}

var (
	labelKey   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`) }) //nolint:gochecknoglobals // a constant
	labelValue = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`) })               //nolint:gochecknoglobals // a constant
)

// labels merges; null and an empty message remove all of them.
func (s *settings) labels(v any) error {
	patch, _ := v.(doc.Map)
	have := doc.Map{}
	if old := doc.Object(s.d, "labels"); old != nil && len(patch) > 0 {
		have = old
	}
	for _, key := range slices.Sorted(maps.Keys(patch)) {
		text, is := patch[key].(string)
		switch {
		case !labelKey().MatchString(key) || len(key) > 128:
			return invalid("Invalid user label: %s", key)
		case patch[key] == nil && s.creating:
			return invalid("Invalid user label: %s with no value", key)
		case patch[key] != nil && (!is || !labelValue().MatchString(text) || len(text) > 128):
			return invalid("Invalid user label: %s with value %v", key, patch[key])
		}
	}
	merge(have, patch)
	if len(have) > 64 {
		return invalid("Attempt to create a bucket with %d labels, maximum is 64", len(have))
	}
	s.d["labels"] = have
	if len(have) == 0 {
		delete(s.d, "labels")
	}
	return nil
}

// lifecycle replaces the rules; none removes the setting (recorded: storage-bucket.log). The rules are kept and not carried out.
func (s *settings) lifecycle(v any) error {
	rules, given := []any(nil), v == nil
	if m, ok := v.(doc.Map); ok {
		_, given = m["rule"]
		rules = doc.List(m, "rule")
	}
	if !given {
		return nil
	}
	delete(s.d, "lifecycle")
	for _, rule := range rules {
		r, _ := rule.(doc.Map)
		if err := checkRule(r); err != nil {
			return err
		}
	}
	if len(rules) > 0 {
		s.d["lifecycle"] = doc.Map{"rule": rules}
	}
	return nil
}

// checkRule refuses a rule, and writes it as Cloud Storage keeps it.
func checkRule(rule doc.Map) error {
	action := doc.Object(rule, "action")
	class := doc.Str(action, "storageClass")
	switch kind := doc.Str(action, "type"); kind {
	case "SetStorageClass":
		name, ok := storageClass(class)
		if class == "" {
			return invalid("Lifecycle storage class rules must specify the destination storage class.")
		} else if !ok {
			return invalid("Unknown storage class '%s' is not a valid option for SET_STORAGE_CLASS actions.", class)
		}
		action["storageClass"] = name
	case "Delete", "AbortIncompleteMultipartUpload":
		if class != "" {
			return invalid("Storage class can only be specified for SET_STORAGE_CLASS actions")
		}
	default:
		return invalid("Invalid value for: %s is not a valid value", kind)
	}
	condition := doc.Object(rule, "condition")
	for name, v := range condition {
		if list, ok := v.([]any); v == nil || ok && len(list) == 0 {
			delete(condition, name)
			continue
		}
		switch name {
		case "age", "daysSinceCustomTime", "daysSinceNoncurrentTime", "numNewerVersions":
			if n := doc.Num(condition, name); n < 0 {
				return invalid("Lifecycle %s condition must be greater than or equal to 0, but was %d", name, n)
			}
		case "createdBefore", "customTimeBefore", "noncurrentTimeBefore":
			if _, err := time.Parse(time.DateOnly, doc.Str(condition, name)); err != nil {
				return invalid("Invalid value for: Invalid format: \"%s\"", doc.Str(condition, name))
			}
		}
	}
	if len(condition) == 0 {
		return invalid("Lifecycle rules must have a condition.")
	}
	return nil
}

// defaultSoftDelete is how long what is deleted can be restored, in seconds: seven days (recorded: storage-bucket.log).
const defaultSoftDelete = "604800"

// softDelete: 0 turns it off, null puts the default back.
func (s *settings) softDelete(v any) error {
	seconds := doc.Num(doc.Map{"n": defaultSoftDelete}, "n")
	if m, ok := v.(doc.Map); ok {
		if _, given := m["retentionDurationSeconds"]; !given {
			return nil
		}
		seconds = doc.Num(m, "retentionDurationSeconds")
	}
	if seconds != 0 && (seconds < 604800 || seconds > 7776000) {
		return invalid("Soft delete policy must have a retention duration between 7 days and 90 days.")
	}
	policy := doc.Map{"retentionDurationSeconds": fmt.Sprint(seconds)}
	if seconds != 0 {
		policy["effectiveTime"] = s.c.tx.Now().UTC().Format(zulu)
		if old := doc.Object(s.d, "softDeletePolicy"); doc.Num(old, "retentionDurationSeconds") == seconds {
			policy = old
		}
	}
	s.d["softDeletePolicy"] = policy
	return nil
}

// retention sets or removes the retention policy; a locked one only grows.
func (s *settings) retention(v any) error {
	old := doc.Object(s.d, "retentionPolicy")
	locked := doc.Bool(old, "isLocked")
	m, ok := v.(doc.Map)
	if !ok {
		if locked {
			return wire.APIError{Code: 403, Reason: "retentionPolicyNotMet", Message: fmt.Sprintf("Bucket '%s' has a locked Retention Policy which cannot be removed.", s.c.bucket)}
		}
		delete(s.d, "retentionPolicy")
		return nil
	}
	if _, given := m["retentionPeriod"]; !given {
		return nil
	}
	period := doc.Num(m, "retentionPeriod")
	if period < 1 || period > 3155760000 {
		return invalid("Retention policy must have a retention period greater than 0 and less than 100 years.")
	}
	if locked && period < doc.Num(old, "retentionPeriod") {
		return wire.APIError{Code: 403, Reason: "forbidden", Message: fmt.Sprintf("Cannot reduce retention duration of a locked Retention Policy for bucket '%s'.", s.c.bucket)}
	}
	policy := doc.Map{"retentionPeriod": fmt.Sprint(period), "effectiveTime": s.c.tx.Now().UTC().Format(zulu)}
	if old != nil {
		policy["effectiveTime"] = old["effectiveTime"]
	}
	if locked {
		policy["isLocked"] = true
	}
	s.d["retentionPolicy"] = policy
	return nil
}

func (s *settings) iam(v any) error {
	patch, _ := v.(doc.Map)
	have := doc.Object(s.d, "iamConfiguration")
	for _, name := range []string{"uniformBucketLevelAccess", "bucketPolicyOnly"} {
		if on, ok := doc.At(patch, name, "enabled").(bool); ok {
			was := doc.Object(have, "uniformBucketLevelAccess")
			if doc.Bool(was, "enabled") == on {
				continue
			}
			have["uniformBucketLevelAccess"] = doc.Map{"enabled": on}
		}
	}
	switch prevention := doc.Str(patch, "publicAccessPrevention"); prevention {
	case "":
	case "inherited", "unspecified":
		have["publicAccessPrevention"] = "inherited"
	case "enforced":
		have["publicAccessPrevention"] = prevention
	default:
		return invalid("Invalid value for: %s is not a valid value", prevention)
	}
	return nil
}

// access writes the access settings as a read shows them (recorded: storage-bucket.log).
func (s *settings) access() {
	access := doc.Object(s.d, "iamConfiguration")
	on := doc.Object(access, "uniformBucketLevelAccess")
	if doc.Bool(on, "enabled") && doc.Str(on, "lockedTime") == "" {
		on["lockedTime"] = s.c.tx.Now().Add(90 * 24 * time.Hour).UTC().Format(zulu)
	}
	access["bucketPolicyOnly"] = maps.Clone(on)
}

// autoclass is as recorded in storage-bucket.log.
func (s *settings) autoclass(v any) {
	was := doc.Bool(s.d, "autoclass", "enabled")
	s.plain("autoclass", v)
	auto, now := doc.Object(s.d, "autoclass"), s.c.tx.Now().UTC().Format(zulu)
	if auto == nil {
		return
	}
	if s.creating || doc.Bool(auto, "enabled") != was {
		auto["toggleTime"] = now
	}
	if doc.Bool(auto, "enabled") {
		if doc.Str(auto, "terminalStorageClass") == "" {
			auto["terminalStorageClass"] = "NEARLINE"
		}
		if doc.Str(auto, "terminalStorageClassUpdateTime") == "" {
			auto["terminalStorageClassUpdateTime"] = now
		}
	}
}

// storageClass is a class as Cloud Storage writes it back.
func storageClass(s string) (string, bool) {
	s = strings.ToUpper(s)
	return s, slices.Contains([]string{"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"}, s)
}
