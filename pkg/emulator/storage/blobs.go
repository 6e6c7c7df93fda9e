package storage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// blobs keeps the contents of objects: small ones inside the object, large ones as files named by their content.
type blobs struct{ dir string }

const inlineLimit = 64 << 10

// write puts content into an object's note; the caller stores the object.
func (b blobs) write(o *world.Object, data []byte) error {
	if o.Note == nil {
		o.Note = map[string]any{}
	}
	delete(o.Note, "data")
	delete(o.Note, "blob")
	if b.dir == "" || len(data) <= inlineLimit {
		o.Note["data"] = base64.StdEncoding.EncodeToString(data)
		return nil
	}
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	path := filepath.Join(b.dir, "blobs", name)
	o.Note["blob"] = name
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a play world holds no secrets
		return err
	}
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(fresh, data, 0o644); err != nil { //nolint:gosec // as above
		return err
	}
	return os.Rename(fresh, path)
}

func (b blobs) read(o *world.Object) ([]byte, error) {
	if name := doc.Str(o.Note, "blob"); name != "" {
		return os.ReadFile(filepath.Join(b.dir, "blobs", filepath.Base(name)))
	}
	return base64.StdEncoding.DecodeString(doc.Str(o.Note, "data"))
}
