package rest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// systemParameters go with every method of Google's REST APIs (cloud.google.com/apis/docs/system-parameters, and "parameters" of
// the discovery documents).
var systemParameters = []string{"alt", "$alt", "fields", "$fields", "key", "$key", "prettyPrint", "$prettyPrint", "quotaUser", "$quotaUser", //nolint:gochecknoglobals // a constant table
	"userIp", "access_token", "oauth_token", "callback", "$callback", "upload_protocol", "$upload_protocol", "uploadType", "$.xgafv", "$userProject", "userProject",
	"trace", "$trace", "$ct", "$req", "$cl", "$httpHeaders", "$outputDefaults"}

// CheckQuery refuses query parameters that the method does not have, in the words of Google's front end. also names those that it
// has and that are not in its descriptor.
func (m *Method) CheckQuery(q url.Values, also ...string) error {
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
