package cloud

import (
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// accountToken is how a bearer token begins that is a service account's.
const accountToken = "service-account:"

// Account is the email of the service account that makes a call, as a program on a VM does. It is told by the bearer token:
// "service-account:EMAIL". With any other token, and without one, the caller is the owner of every project, and Account is "".
func Account(r *wire.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	email, ok := strings.CutPrefix(token, accountToken)
	if !ok {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(email))
}

// Roles are those that a project's own policy gives a member, such as "serviceAccount:EMAIL". They are asked of the services
// that keep such policies; while none does, a member has none.
func (c *Cloud) Roles(tx *world.Tx, project, member string) []string {
	var roles []string
	for _, s := range c.Services() {
		if given := c.servers[s.Host].Roles; given != nil {
			roles = append(roles, given(tx, project, member)...)
		}
	}
	return roles
}
