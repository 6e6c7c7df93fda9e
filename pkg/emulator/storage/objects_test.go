package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
)

func TestListsOfObjects(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("lists", `"versioning":{"enabled":true}`)
	for _, name := range []string{"a", "b/", "b/x", "b/y", "c/x.txt", "c/y/z.txt", "d"} {
		w.put("lists", strings.ReplaceAll(name, "/", "%2F"), name)
	}
	w.put("lists", "a", "again")
	for query, want := range map[string]string{
		"":                      "a b/ b/x b/y c/x.txt c/y/z.txt d |",
		"versions=true":         "a a b/ b/x b/y c/x.txt c/y/z.txt d |",
		"delimiter=/":           "a d | b/ c/",
		"delimiter=/&prefix=c/": "c/x.txt | c/y/",
		"delimiter=/&includeTrailingDelimiter=true": "a b/ d | b/ c/",
		"delimiter=/&includeFoldersAsPrefixes=true": "a d | b/ c/",
		"prefix=b/":                   "b/ b/x b/y |",
		"startOffset=b/y&endOffset=d": "b/y c/x.txt c/y/z.txt |",
		"matchGlob=**.txt":            "c/x.txt c/y/z.txt |",
		"matchGlob=c/*.txt":           "c/x.txt |",
		"matchGlob={a,b/?}":           "a b/x b/y |",
		"matchGlob=[!a-c]":            "d |",
		"matchGlob=b/*&delimiter=/":   " | b/",
		"prefix=none":                 " |",
	} {
		for _, size := range []int{1, 2, 1000} { // pages do not change what a list has
			var items, prefixes []string
			for token, n := "", 0; n < 20; n++ {
				a := w.must("GET", fmt.Sprintf("b/lists/o?maxResults=%d&pageToken=%s&%s", size, token, query), "")
				list, _ := a.doc["items"].([]any)
				for _, o := range list {
					items = append(items, fmt.Sprint(o.(map[string]any)["name"]))
				}
				groups, _ := a.doc["prefixes"].([]any)
				for _, p := range groups {
					prefixes = append(prefixes, fmt.Sprint(p))
				}
				if token = a.str("nextPageToken"); token == "" {
					break
				}
			}
			have := strings.TrimRight(strings.Join(items, " ")+" | "+strings.Join(prefixes, " "), " ")
			if have != strings.TrimRight(want, " ") {
				t.Errorf("%s by %d: %q, not %q", query, size, have, want)
			}
		}
	}
	w.refused(w.call("GET", "b/lists/o?pageToken=%25", ""), 400, "Invalid argument.")
	w.refused(w.call("GET", "b/lists/o?filter=x", ""), 501, "does not know GET")
	w.refused(w.call("GET", "b/lists/o?softDeleted=true&versions=true", ""), 400, "Invalid argument.")
}

func TestVersions(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("versions", `"versioning":{"enabled":true}`)
	first := w.put("versions", "o", "one").str("generation")
	second := w.put("versions", "o", "two").str("generation")
	if first >= second {
		t.Errorf("generations %s, %s", first, second)
	}
	old := w.must("GET", "b/versions/o/o?generation="+first, "")
	if old.str("timeDeleted") == "" || w.must("GET", "b/versions/o/o?alt=media&generation="+first, "").text != "one" {
		t.Errorf("%v", old.doc)
	}
	w.must("DELETE", "b/versions/o/o", "") // it becomes noncurrent
	w.refused(w.call("GET", "b/versions/o/o?alt=media", ""), 404, "No such object: versions/o")
	w.must("DELETE", "b/versions/o/o?generation="+second, "") // this is for good
	w.refused(w.call("GET", "b/versions/o/o?generation="+second, ""), 404, "No such object: versions/o")
	w.must("POST", "b/versions/o/o/rewriteTo/b/versions/o/o?sourceGeneration="+first, "")
	if a := w.must("GET", "https://storage.googleapis.com/versions/o", ""); a.text != "one" {
		t.Errorf("%q", a.text)
	}
}

func TestSoftDeletedObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloud.Options{})
		w.bucket("soft", "")
		w.bucket("hard", `"softDeletePolicy":{"retentionDurationSeconds":"0"}`)
		made := w.must("POST", up+"soft/o?uploadType=multipart",
			"--b\r\nContent-Type: application/json\r\n\r\n{\"name\":\"o\",\"metadata\":{\"k\":\"v\"}}\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b--", "Content-Type: multipart/related; boundary=b")
		generation := made.str("generation")
		w.must("DELETE", "b/soft/o/o", "")
		list := w.must("GET", "b/soft/o?softDeleted=true", "")
		if !strings.Contains(list.text, `"softDeleteTime"`) || !strings.Contains(list.text, time.Now().Add(7*24*time.Hour).UTC().Format("2006-01-02T15:04:05")) {
			t.Errorf("%s", list.text)
		}
		w.refused(w.call("GET", "b/soft/o/o?softDeleted=true", ""), 400, "You must specify a generation.")
		w.must("GET", "b/soft/o/o?softDeleted=true&generation="+generation, "")
		w.refused(w.call("GET", "b/soft/o/o?alt=media&generation="+generation, ""), 404, "No such object: soft/o")
		back := w.must("POST", "b/soft/o/o/restore?ifGenerationMatch=0&generation="+generation, "")
		if back.str("generation") <= generation || back.str("metageneration") != "1" || fmt.Sprint(back.doc["metadata"]) != "map[k:v]" || back.str("softDeleteTime") != "" {
			t.Errorf("%v", back.doc)
		}
		w.refused(w.call("POST", "b/soft/o/o/restore?ifGenerationMatch=0&generation="+generation, ""), 412, "pre-conditions")
		w.refused(w.call("POST", "b/soft/o/o/restore?generation="+back.str("generation"), ""), 404, "No such object: soft/o") // it is live
		w.must("POST", "b/soft/o/o/restore?generation="+generation, "")                                                       // it can be restored again
		w.refused(w.call("POST", "b/hard/o/o/restore?generation="+generation, ""), 400, "bucket soft delete policy must be set.")
		w.refused(w.call("GET", "b/hard/o?softDeleted=true", ""), 400, "bucket soft delete policy must be set.")
		wait(8 * 24 * time.Hour)
		w.refused(w.call("POST", "b/soft/o/o/restore?generation="+generation, ""), 404, "No such object: soft/o")
	})
}

func TestUploadsAreChecked(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("sums", "")
	url := up + "sums/o?uploadType=media&name=o"
	w.refused(w.call("POST", url, "hello", "X-Goog-Hash: crc32c=AAAAAA=="), 400, `Provided CRC32C "AAAAAA==" doesn't match calculated CRC32C "mnG7TA==".`)
	w.refused(w.call("POST", url, "hello", "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="), 400, `Provided MD5 hash "AAAAAAAAAAAAAAAAAAAAAA==" doesn't match calculated MD5 hash "XUFAKrxLKna5cZ2REBfFkg==".`)
	w.refused(w.call("GET", "b/sums/o/o", ""), 404, "No such object")
	w.must("POST", url, "hello", "X-Goog-Hash: crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==")
	w.refused(w.call("POST", up+"sums/o?uploadType=media", "x"), 400, "Required parameter: name")
	w.refused(w.call("POST", up+"sums/o?uploadType=media&name=a%0Ab", "x"), 400, "Disallowed unicode characters")
	w.refused(w.call("POST", up+"sums/o?uploadType=media&name=o", "x", "X-Goog-Encryption-Algorithm: AES256"), 501, "does not know POST")
	w.refused(w.call("POST", "b/sums/o/p/compose", `{"sourceObjects":[]}`), 400, "at least one source component")
	w.refused(w.call("POST", "b/sums/o/p/compose", `{"sourceObjects":[{"name":"none"}]}`), 404, "No such object: sums/none")
	w.refused(w.call("POST", "b/sums/o/p/compose", `{"sourceObjects":[{"name":"o","objectPreconditions":{"ifGenerationMatch":"1"}}]}`), 412, "pre-conditions")
}

func TestResumableUploads(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("chunks", "")
	const quantum = 256 << 10
	body := strings.Repeat("0123456789abcdef", 2*quantum/16) + "end"
	open := func() string {
		return w.must("POST", up+"chunks/o?uploadType=resumable&name=o", `{"contentType":"a/b"}`).header.Get("Location")
	}
	at := func(from, to int, total any) string {
		return fmt.Sprintf("Content-Range: bytes %d-%d/%v", from, to-1, total)
	}
	expect := func(a answer, status int, span string) {
		t.Helper()
		if a.status != status || a.header.Get("Range") != span {
			t.Errorf("%d, range %q: %s", a.status, a.header.Get("Range"), a.text)
		}
	}
	url := open()
	expect(w.call("PUT", url, "", "Content-Range: bytes */*"), 308, "")
	w.refused(w.call("PUT", url, body[:100], at(0, 100, "*")), 400, "required to be equal or greater than 262144")
	expect(w.call("PUT", url, body[:quantum+5], at(0, quantum+5, "*")), 308, "bytes=0-262143") // what is over is not kept
	expect(w.call("PUT", url, "", "Content-Range: bytes */*"), 308, "bytes=0-262143")
	a := w.call("PUT", url, body[2*quantum:], at(2*quantum, len(body), len(body)))
	w.refused(a, 503, "the upload offset is 524288 byte(s), which exceeds already uploaded size of 262144 byte(s).")
	a = w.call("POST", url, body[:2*quantum], at(0, 2*quantum, "*"), "X-GUploader-No-308: yes") // as the Go client asks; what is there is sent again
	if a.status != 200 || a.header.Get("X-Http-Status-Code-Override") != "308" || a.header.Get("Range") != "bytes=0-524287" {
		t.Errorf("%d %v", a.status, a.header)
	}
	done := w.must("PUT", url, body[2*quantum:], at(2*quantum, len(body), len(body)))
	if done.str("size") != fmt.Sprint(len(body)) || done.str("contentType") != "a/b" || w.must("GET", "b/chunks/o/o?alt=media", "").text != body {
		t.Errorf("%v", done.doc)
	}
	if again := w.must("PUT", url, "", "Content-Range: bytes */*"); again.str("generation") != done.str("generation") {
		t.Errorf("a finished upload is asked: %v", again.doc)
	}
	url = open()
	if a := w.call("DELETE", url, ""); a.status != 499 {
		t.Errorf("a cancellation: %d", a.status)
	}
	if a := w.call("PUT", url, "x"); a.status != 499 {
		t.Errorf("after it: %d", a.status)
	}
	w.refused(w.call("PUT", up+"chunks/o?uploadType=resumable&upload_id=none", "x"), 404, "Not Found")
	w.refused(w.call("POST", up+"chunks/o?uploadType=resumable&name=o&ifGenerationMatch=0", ""), 412, "pre-conditions")
}

func TestAnAnswerSpeaksAsItWasAsked(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("words", "")
	w.put("words", "o", "x")
	for url, want := range map[string]string{
		"b/words/o/none":           "application/json; charset=UTF-8 {",
		"b/words/o/none?alt=media": "text/html; charset=UTF-8 No such object: words/none",
		"https://storage.googleapis.com/download/storage/v1/b/words/o/none": "text/html; charset=UTF-8 No such object: words/none",
		"https://storage.googleapis.com/words/none":                         "application/xml; charset=UTF-8 <?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Details>No such object: words/none</Details></Error>",
		"https://storage.googleapis.com/no-bucket/none":                     "application/xml; charset=UTF-8 <?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message></Error>",
		"https://storage.googleapis.com/words/o":                            "text/plain x",
	} {
		a := w.call("GET", url, "")
		if have := a.header.Get("Content-Type") + " " + a.text; !strings.HasPrefix(have, want) {
			t.Errorf("%s: %s", url, have)
		}
	}
	a := w.call("HEAD", "https://storage.googleapis.com/words/o", "")
	if a.status != 200 || a.text != "" || a.header.Get("Content-Length") != "1" || a.header.Get("Etag") != `"9dd4e461268c8034f5c8564e155c67a6"` ||
		a.header.Get("X-Goog-Generation") == "" || strings.Join(a.header.Values("X-Goog-Hash"), " ") != "crc32c=qTxfkw== md5=ndTkYSaMgDT1yFZOFVxnpg==" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := w.call("GET", "https://storage.googleapis.com/words/o", "", `If-None-Match: "9dd4e461268c8034f5c8564e155c67a6"`); a.status != 304 || a.text != "" {
		t.Errorf("%d %q", a.status, a.text)
	}
	w.refused(w.call("PUT", "https://storage.googleapis.com/words/o", "x"), 501, "does not know PUT")
}

func TestABatch(t *testing.T) {
	w := newWorld(t, cloud.Options{})
	w.bucket("batched", "")
	w.put("batched", "o", "x")
	part := func(line string) string {
		return "--b\r\nContent-Type: application/http\r\nContent-ID: <1>\r\n\r\n" + line + " HTTP/1.1\r\n\r\n\r\n"
	}
	a := w.must("POST", "https://storage.googleapis.com/batch/storage/v1", part("DELETE /storage/v1/b/batched/o/o")+part("GET /storage/v1/b/batched/o/o")+"--b--", "Content-Type: multipart/mixed; boundary=b")
	if !strings.Contains(a.text, "HTTP/1.1 204") || !strings.Contains(a.text, "No such object: batched/o") {
		t.Errorf("%s", a.text)
	}
}
