package rest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// systemParameters go with every method of Google's REST APIs (cloud.google.com/apis/docs/system-parameters, and "parameters" of
// the discovery documents).
var systemParameters = []string{"alt", "$alt", "fields", "$fields", "key", "$key", "prettyPrint", "$prettyPrint", "quotaUser", "$quotaUser", //nolint:gochecknoglobals // a constant table
	"userIp", "access_token", "oauth_token", "callback", "$callback", "upload_protocol", "$upload_protocol", "uploadType", "$.xgafv", "$userProject", "userProject",
	"trace", "$trace", "$ct", "$req", "$cl", "$httpHeaders", "$outputDefaults"}

// CheckQuery refuses query parameters that the method does not have and masks of fields that its answer does not have, in the words
// of Google's front end. also names parameters that it has and that are not in its descriptor.
func (m *Method) CheckQuery(q url.Values, also ...string) error {
	for _, mask := range append(q["fields"], q["$fields"]...) {
		for _, path := range doc.Paths(mask) {
			if !has(m.output, strings.Split(path, "/")) {
				return badRequest("badRequest", fmt.Sprintf(
					"Error expanding 'fields' parameter. Cannot find matching fields for path '%s'.", strings.ReplaceAll(path, "/", ".")))
			}
		}
	}
	if alt := q.Get("alt") + q.Get("$alt"); alt != "" && !strings.HasPrefix(alt, "json") {
		return wire.APIError{Code: 501, Reason: "notImplemented", Message: "the emulator does not know answers in the form alt=" + alt}
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if slices.Contains(systemParameters, name) || slices.Contains(also, name) {
			continue
		}
		first, _, _ := strings.Cut(name, ".")
		field := m.input.Fields().ByJSONName(first)
		if field == nil {
			field = m.input.Fields().ByName(protoreflect.Name(first))
		}
		if field == nil || field == m.body || m.whole {
			return badRequest("badRequest", fmt.Sprintf(
				"Invalid JSON payload received. Unknown name %q: Cannot bind query parameter. Field '%s' could not be found in request message.", name, name))
		}
	}
	return nil
}

// True tells whether a parameter is true. Case does not count: gcloud, written in Python, sends True.
func True(q url.Values, name string) bool { return strings.EqualFold(q.Get(name), "true") }
