package compute_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/places"
)

func names(v doc.Map) string {
	var out []string
	for _, d := range doc.Objects(v, "items") {
		out = append(out, doc.Str(d, "name"))
	}
	return strings.Join(out, " ")
}

func TestListsTakeWhatIsDocumented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "")
		for _, name := range []string{"b", "c", "a"} {
			c.must("POST", "global/networks", fmt.Sprintf(`{"name":%q,"autoCreateSubnetworks":false,"mtu":1500}`, name))
			pass(time.Minute)
		}
		for query, want := range map[string]string{
			"":                                       "a b c default",
			"orderBy=name":                           "a b c default",
			"orderBy=creationTimestamp desc":         "a c b default",
			"filter=mtu=1500":                        "a b c",
			"filter=name eq [ab]":                    "a b",
			"filter=name=a OR name=b mtu=1500":       "a b",
			"maxResults=0&returnPartialSuccess=true": "a b c default",
			"maxResults=2":                           "a b",
			"filter=(mtu=1500)&maxResults=1&orderBy=creationTimestamp desc": "a",
			"filter=labels.x=y":             "400 Invalid value for field 'filter': 'labels.x=y'. Invalid list filter expression.",
			"filter=name eq a AND mtu=1500": "400 Invalid value for field 'filter': 'name eq a AND mtu=1500'. Invalid list filter expression.",
			"filter=name":                   "400 Invalid value for field 'filter': 'name'. Invalid list filter expression.",
			"maxResults=501":                "400 Invalid value '501'. Values must be within the range: [0, 500]",
			"maxResults=-1":                 "400 Invalid value '-1'. Values must be within the range: [0, 500]",
			"orderBy=mtu":                   "400 Invalid value for field 'orderBy': 'mtu'. Only 'name' and 'creationTimestamp desc' are supported.",
			"pageToken=x":                   "400 Invalid value for field 'pageToken': 'x'. Invalid page token.",
			"fields=colour":                 "400 Error expanding 'fields' parameter. Cannot find matching fields for path 'colour'.",
		} {
			values, err := url.ParseQuery(strings.ReplaceAll(query, "filter=name=", "filter=name%3D"))
			if err != nil {
				t.Fatal(err)
			}
			status, v := c.call("GET", "global/networks?"+values.Encode(), "")
			have := names(v)
			if status != 200 {
				have = fmt.Sprint(status, " ", doc.Str(v, "error", "message"))
			}
			if have != want {
				t.Errorf("%s: %s", query, have)
			}
		}
	})
}

// Pages of an aggregated list cover it once, scope by scope; a scope without results on the page says so.
func TestAggregatedListsOfWhatIsMadeHavePages(t *testing.T) {
	c := open(t, "")
	seen, pages := map[string]bool{}, 0
	for token, more := "", true; more; more = token != "" {
		v := c.must("GET", "aggregated/subnetworks?maxResults=7&pageToken="+token, "")
		n := 0
		for scope := range doc.Object(v, "items") {
			found := doc.Objects(v, "items", scope, "subnetworks")
			if len(found) == 0 && doc.Str(v, "items", scope, "warning", "code") != "NO_RESULTS_ON_PAGE" || !strings.HasPrefix(scope, "regions/") {
				t.Errorf("%s: %v", scope, doc.Object(v, "items", scope))
			}
			for _, d := range found {
				if link := doc.Str(d, "selfLink"); seen[link] {
					t.Errorf("%s comes twice", link)
				} else {
					seen[link] = true
				}
				n++
			}
		}
		token = doc.Str(v, "nextPageToken")
		if pages++; n > 7 || token != "" && n < 7 || pages > 10 {
			t.Fatalf("page %d has %d", pages, n)
		}
	}
	if len(seen) != len(places.All()) { // of the default network
		t.Errorf("%d subnetworks in all", len(seen))
	}
	if v := c.must("GET", "aggregated/subnetworks?includeAllScopes=true", ""); doc.Str(v, "items", "global", "warning", "code") == "" {
		t.Error("all scopes are not all")
	}
}
