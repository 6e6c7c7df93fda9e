package doc

import "slices"

// Fill sets fields that are absent or null, also in messages that are there already: a list and a value that are given stay
// as they are. What is only one of several (a number or a percentage) is not to be filled this way.
func Fill(d Map, defaults Map) {
	for k, v := range defaults {
		have, ok := d[k]
		inner, deep := v.(Map)
		if given, is := have.(Map); is && deep {
			Fill(given, inner)
		} else if !ok || have == nil {
			d[k] = v
		}
	}
}

// Merge does what a PATCH does to a resource (RFC 7396, JSON merge patch, which the discovery documents of Compute Engine and
// Cloud Storage name): null takes a field away, a message is merged, anything else replaces what was there, a list as a whole.
func Merge(d Map, patch Map) {
	for k, v := range patch {
		inner, deep := v.(Map)
		switch {
		case v == nil:
			delete(d, k)
		case deep:
			have := Map{}
			if old := Object(d, k); old != nil {
				have = old
			}
			Merge(have, inner)
			d[k] = have
		default:
			d[k] = v
		}
	}
}

// Settle takes out what says nothing once a resource is stored: nulls and empty lists, at any depth. A repeated field of a
// Google API has no presence, so an empty list never shows; a message has, and stays: see Prune.
func Settle(d Map) {
	for k, v := range d {
		switch x := v.(type) {
		case nil:
			delete(d, k)
		case Map:
			if x == nil {
				delete(d, k)
			}
			Settle(x)
		case []any:
			if len(x) == 0 {
				delete(d, k)
			}
			for _, one := range x {
				if m, ok := one.(Map); ok {
					Settle(m)
				}
			}
		}
	}
}

// Prune takes out messages that are empty, at any depth, but those of the names to keep and those in lists.
func Prune(d Map, keep ...string) {
	for k, v := range d {
		switch x := v.(type) {
		case Map:
			Prune(x, keep...)
			if len(x) == 0 && !slices.Contains(keep, k) {
				delete(d, k)
			}
		case []any:
			for _, one := range x {
				if m, ok := one.(Map); ok {
					Prune(m, keep...)
				}
			}
		}
	}
}
