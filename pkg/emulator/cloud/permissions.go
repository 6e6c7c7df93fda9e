package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// Caller is who every call is made by: the emulator asks nobody for credentials (recorders write this address too).
const Caller = "user@example.com"

// Permitted says whether the caller has an IAM permission.
func (c *Cloud) Permitted(permission string) bool {
	return !covers(c.Denied, permission) && (c.Granted == nil || covers(c.Granted, permission))
}

// covers says whether one of some permissions, stars among them, is or holds a permission.
func covers(patterns []string, permission string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, star := strings.CutSuffix(p, "*")
		return p == permission || star && strings.HasPrefix(permission, prefix)
	})
}

// Held gives those of some permissions that the caller has, as testIamPermissions does.
func (c *Cloud) Held(permissions []string) []any {
	var held []any
	for _, p := range permissions {
		if c.Permitted(p) {
			held = append(held, p)
		}
	}
	return held
}

// Denial is the refusal of a permission in the words that IAM and most newer services share (public reports:
// everycure-org/matrix issue 75, with the details).
func Denial(permission string) wire.APIError {
	return wire.APIError{
		Code: 403, Reason: "forbidden", Message: fmt.Sprintf("Permission '%s' denied on resource (or it may not exist).", permission),
		Details: []map[string]any{ErrorInfo("IAM_PERMISSION_DENIED", "iam.googleapis.com", map[string]any{"permission": permission})},
	}
}

// permissionForm is SERVICE.RESOURCE.VERB, or its beginning and a star.
var permissionForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9-]*(?:\.[a-zA-Z0-9-]+){2,}$|^(?:[a-z][a-zA-Z0-9-]*\.(?:[a-zA-Z0-9-]+\.)*)\*$`)

// ParsePermissions reads a list of permissions: separated by commas or white space, or one JSON list of them. Lines that begin
// with "#" say nothing. What is not the form of a permission is an error: it would deny nothing.
func ParsePermissions(raw string) ([]string, error) {
	var list []string
	if strings.HasPrefix(strings.TrimSpace(raw), "[") {
		if err := json.Unmarshal([]byte(raw), &list); err != nil {
			return nil, fmt.Errorf("permissions: %w", err)
		}
	} else {
		for line := range strings.Lines(raw) {
			if !strings.HasPrefix(strings.TrimSpace(line), "#") {
				list = append(list, strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })...)
			}
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no permission is named")
	}
	for _, p := range list {
		if !permissionForm.MatchString(p) {
			return nil, fmt.Errorf("%q is not a permission: they look like compute.networks.create, or compute.* for all that begin so", p)
		}
	}
	return list, nil
}

// ParseRoles reads what somebody has: a role, or a list of roles, as `gcloud iam roles describe ROLE --format=json` prints them.
// It gives their permissions together. A role without permissions is an error: it is likely another file.
func ParseRoles(raw []byte) ([]string, error) {
	type role struct {
		Name        string   `json:"name"`
		Permissions []string `json:"includedPermissions"`
	}
	var roles []role
	if err := json.Unmarshal(raw, &roles); err != nil {
		var one role
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("roles: %w", err)
		}
		roles = []role{one}
	}
	out := []string{}
	for i, r := range roles {
		if len(r.Permissions) == 0 {
			return nil, fmt.Errorf("role %d has no includedPermissions", i+1)
		}
		out = append(out, r.Permissions...)
	}
	return out, nil
}
