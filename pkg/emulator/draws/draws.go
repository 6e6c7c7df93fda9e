package draws

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Uniform is a number in [0,1).
func Uniform(seed uint64, kind string, n int64) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%d", seed, kind, n)
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// Mix spreads a counter over 64 bits (splitmix64).
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// ID is the n-th 64-bit resource id, as APIs write it: a decimal string of 19 digits.
func ID(n int64) string { return strconv.FormatUint(Mix(uint64(n))>>1|1<<60, 10) }

// Token is the n-th optimistic-locking token, a fingerprint of Compute Engine, in the alphabet of URLs
// (recorded: i-7iyFdxotk= in compute-*.log).
func Token(n int64) string { return token(Mix(uint64(n) + 7)) }

// Etag is a token in the alphabet that IAM and Resource Manager use (recorded: BwWP6/SoJ90= in c7n-project-getIamPolicy.json).
func Etag(n int64) string { return standard.Replace(Token(n)) }

// SameToken tells whether two tokens stand for the same bytes. They are bytes in all APIs (discovery documents: format byte), and
// gcloud sends each back in the alphabet of URLs, however it came.
func SameToken(a, b string) bool { return standard.Replace(a) == standard.Replace(b) }

var standard = strings.NewReplacer("-", "+", "_", "/") //nolint:gochecknoglobals // a constant

// TokenOf is the token of a content: equal for equal contents.
func TokenOf(content string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(content)) // never fails
	return token(h.Sum64())
}

func token(x uint64) string {
	raw := make([]byte, 8)
	for i := range raw {
		raw[i] = byte(x >> (8 * i))
	}
	return base64.URLEncoding.EncodeToString(raw)
}
