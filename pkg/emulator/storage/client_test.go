package storage_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"testing"

	gcs "cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
)

func write(t *testing.T, o *gcs.ObjectHandle, data []byte, change func(*gcs.Writer)) *gcs.ObjectAttrs {
	t.Helper()
	w := o.NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	if change != nil {
		change(w)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Attrs()
}

func read(t *testing.T, o *gcs.ObjectHandle, from, length int64) (string, *gcs.Reader) {
	t.Helper()
	r, err := o.NewRangeReader(t.Context(), from, length)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), r
}

func TestTheGoClientAsItComes(t *testing.T) {
	ctx, client := served(t, cloud.Options{})
	b := client.Bucket("go-client")
	if err := b.Create(ctx, project, &gcs.BucketAttrs{Location: "us-central1", UniformBucketLevelAccess: gcs.UniformBucketLevelAccess{Enabled: true}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Object("none").NewReader(ctx); !errors.Is(err, gcs.ErrObjectNotExist) {
		t.Errorf("an object that is not there: %v", err)
	}
	if _, err := client.Bucket("no-bucket").Object("none").NewReader(ctx); !errors.Is(err, gcs.ErrObjectNotExist) && !errors.Is(err, gcs.ErrBucketNotExist) {
		t.Errorf("a bucket that is not there: %v", err)
	}
	small := b.Object("a b/ü#?%2F.txt")
	made := write(t, small, []byte("0123456789"), func(w *gcs.Writer) {
		w.ContentType, w.CacheControl, w.Metadata = "text/plain", "no-store", map[string]string{"k": "v"}
	})
	text, r := read(t, small, 0, -1)
	if text != "0123456789" || r.Attrs.Generation != made.Generation || r.Attrs.ContentType != "text/plain" || r.Attrs.CacheControl != "no-store" ||
		r.Attrs.Metageneration != 1 || r.Attrs.LastModified.IsZero() || r.Metadata()["K"] != "v" {
		t.Errorf("%q %+v %v", text, r.Attrs, r.Metadata())
	}
	for _, tc := range []struct {
		from, length int64
		want         string
	}{{2, 3, "234"}, {7, -1, "789"}, {-4, -1, "6789"}, {8, 100, "89"}, {0, 0, ""}} {
		if text, r := read(t, small, tc.from, tc.length); text != tc.want || r.Attrs.Size != 10 {
			t.Errorf("from %d length %d: %q of %d", tc.from, tc.length, text, r.Attrs.Size)
		}
	}
	var answered *googleapi.Error
	if _, err := small.NewRangeReader(ctx, 10, 5); !errors.As(err, &answered) || answered.Code != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range behind the end: %v", err)
	}
	large := bytes.Repeat([]byte("large"), 200_000) // four chunks
	write(t, b.Object("large"), large, nil)
	if text, _ := read(t, b.Object("large"), 0, -1); text != string(large) {
		t.Errorf("%d bytes came back of %d", len(text), len(large))
	}
	joined, err := b.Object("joined").ComposerFrom(b.Object("large"), small).Run(ctx)
	if err != nil || joined.Size != int64(len(large)+10) || joined.ComponentCount != 2 || len(joined.MD5) > 0 {
		t.Errorf("%+v %v", joined, err)
	}
	moved, err := small.Move(ctx, gcs.MoveObjectDestination{Object: "moved"})
	if err != nil || moved.Name != "moved" || moved.Metadata["k"] != "v" {
		t.Errorf("%+v %v", moved, err)
	}
	copied, err := client.Bucket("go-client").Object("copied").CopierFrom(b.Object("moved")).Run(ctx)
	if err != nil || copied.CRC32C != moved.CRC32C {
		t.Errorf("%+v %v", copied, err)
	}
	var names []string
	for it := b.Objects(ctx, nil); ; {
		o, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Name)
	}
	if len(names) != 4 {
		t.Errorf("%v", names)
	}
}

func TestTheGoClientAndConditions(t *testing.T) {
	ctx, client := served(t, cloud.Options{})
	b := client.Bucket("conditions")
	if err := b.Create(ctx, project, nil); err != nil {
		t.Fatal(err)
	}
	o := b.Object("o")
	made := write(t, o.If(gcs.Conditions{DoesNotExist: true}), []byte("one"), nil)
	code := func(err error) int {
		var e *googleapi.Error
		if errors.As(err, &e) {
			return e.Code
		}
		return 0
	}
	w := o.If(gcs.Conditions{DoesNotExist: true}).NewWriter(ctx)
	if err := w.Close(); code(err) != http.StatusPreconditionFailed {
		t.Errorf("a second creation: %v", err)
	}
	if _, err := o.If(gcs.Conditions{GenerationMatch: made.Generation + 1}).NewReader(ctx); code(err) != http.StatusPreconditionFailed {
		t.Errorf("a read of another generation, by the XML API: %v", err)
	}
	if _, err := o.If(gcs.Conditions{MetagenerationMatch: 2}).Update(ctx, gcs.ObjectAttrsToUpdate{ContentType: "a/b"}); code(err) != http.StatusPreconditionFailed {
		t.Errorf("an update of another metageneration: %v", err)
	}
	if _, err := o.If(gcs.Conditions{GenerationNotMatch: made.Generation}).Attrs(ctx); code(err) != http.StatusNotModified {
		t.Errorf("a read of what has not changed: %v", err)
	}
	changed, err := o.If(gcs.Conditions{MetagenerationMatch: 1}).Update(ctx, gcs.ObjectAttrsToUpdate{Metadata: map[string]string{"a": "b"}})
	if err != nil || changed.Metageneration != 2 || changed.Generation != made.Generation || changed.Etag == made.Etag {
		t.Errorf("%+v %v", changed, err)
	}
}

// What is stored compressed is served so to who takes it, and decompressed to others.
func TestTranscoding(t *testing.T) {
	var raw bytes.Buffer
	z := gzip.NewWriter(&raw)
	_, _ = z.Write([]byte("plain text"))
	_ = z.Close()
	w := newWorld(t, cloud.Options{})
	w.bucket("zipped", "")
	body := "--x\r\nContent-Type: application/json\r\n\r\n{\"name\":\"o\",\"contentEncoding\":\"gzip\",\"contentType\":\"text/plain\"}\r\n--x\r\nContent-Type: text/plain\r\n\r\n" + raw.String() + "\r\n--x--"
	w.must("POST", up+"zipped/o?uploadType=multipart", body, "Content-Type: multipart/related; boundary='x'") // as gcloud writes it
	for _, url := range []string{"b/zipped/o/o?alt=media", "https://storage.googleapis.com/zipped/o"} {
		a := w.must("GET", url, "")
		if a.text != "plain text" || a.header.Get("Content-Encoding") != "" || a.header.Get("X-Goog-Stored-Content-Encoding") != "gzip" {
			t.Errorf("%s: %q %v", url, a.text, a.header)
		}
		a = w.must("GET", url, "", "Accept-Encoding: gzip", "Range: bytes=0-1")
		if a.status != 206 || a.text != raw.String()[:2] || a.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %d %q %v", url, a.status, a.text, a.header)
		}
	}
}
