package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Sealed is a text that may be a secret, such as a value of VM metadata. The program knows it while it runs; manifests, plans
// and logs get a digest, which tells that it has changed and not what it is.
type Sealed struct {
	text   string
	digest string
}

// Seal makes a text sealed.
func Seal(text string) Sealed {
	sum := sha256.Sum256([]byte(text))
	return Sealed{text: text, digest: "sha256:" + hex.EncodeToString(sum[:6])}
}

// Reveal gives the text, for the call that needs it; empty for one that was read from a manifest.
func (s Sealed) Reveal() string { return s.text }

// String is the digest, so that no formatting shows the text.
func (s Sealed) String() string { return s.digest }

// GoString is the digest too.
func (s Sealed) GoString() string { return s.digest }

// MarshalJSON writes the digest.
func (s Sealed) MarshalJSON() ([]byte, error) { return json.Marshal(s.digest) }

// UnmarshalJSON reads a digest.
func (s *Sealed) UnmarshalJSON(raw []byte) error {
	s.text = ""
	return json.Unmarshal(raw, &s.digest)
}

// Digests gives the digests of a map of sealed texts, which is what can be compared.
func Digests(m map[string]Sealed) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v.digest
	}
	return out
}
