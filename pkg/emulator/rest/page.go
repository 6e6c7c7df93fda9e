package rest

import (
	"encoding/base64"
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// Page cuts one page out of a list: size elements from where the token says, and the token of the next page, "" on the last. A
// token holds the position; it is opaque to clients. One that this function has not made is not ok.
func Page[T any](items []T, size int, token string) (page []T, next string, ok bool) {
	from := 0
	if token != "" {
		raw, err := base64.URLEncoding.DecodeString(token)
		if _, scanErr := fmt.Sscanf(string(raw), "from:%d", &from); err != nil || scanErr != nil || from < 0 {
			return nil, "", false
		}
	}
	from = min(from, len(items))
	to := min(from+size, len(items))
	if to == len(items) {
		return items[from:to], "", true
	}
	return items[from:to], base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "from:%d", to)), true
}

// Listed is the answer of a list: one page under its key, and the token of the next. What is empty has no key.
func Listed[T any](key string, page []T, next string) doc.Map {
	out := doc.Map{}
	if len(page) > 0 {
		out[key] = doc.Anys(page)
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out
}
