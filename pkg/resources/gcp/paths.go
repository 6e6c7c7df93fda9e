package gcp

import (
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// Path brings a URL of any host and version to the path below the version: "projects/p/global/networks/n".
func Path(link string) string {
	if i := strings.Index(link, "projects/"); i >= 0 {
		return link[i:]
	}
	return link
}

// Base is the last part of a path or a link, the name that users see.
func Base(path string) string { return resources.ID(path).Base() }

// pathPart gives what follows a collection's name in a path: pathPart("…/zones/z/instances/i", "zones") is "z".
func pathPart(path, collection string) string { return resources.NewID("", path).Part(collection) }
