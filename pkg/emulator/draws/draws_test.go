package draws_test

import (
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

// gcloud sends every token back in the alphabet of URLs.
func TestATokenIsTheSameInBothAlphabets(t *testing.T) {
	toURL := strings.NewReplacer("+", "-", "/", "_")
	special := 0
	for n := range int64(100) {
		token, etag := draws.Token(n), draws.Etag(n)
		if strings.ContainsAny(token, "+/") || strings.ContainsAny(etag, "-_") || toURL.Replace(etag) != token {
			t.Fatalf("token %s, etag %s", token, etag)
		}
		if !draws.SameToken(token, etag) || draws.SameToken(token, draws.Token(n+1)) {
			t.Errorf("%s and %s", token, etag)
		}
		if token != etag {
			special++
		}
	}
	if special == 0 {
		t.Error("no token shows the difference")
	}
}
