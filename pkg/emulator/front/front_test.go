package front_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator/cloud"
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/faults"
	"github.com/aiinfra/cluster-provision/pkg/emulator/front"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
)

// echo is a service that answers what it was asked, and refuses paths that end in "no".
func echo() cloud.Service {
	return cloud.Service{
		Host: "echo.googleapis.com", Refuse: wire.RPC, Batch: "/batch/echo/v1", Unprefixed: []string{"/echo/"}, Roots: []string{"/x", "/no", "/data", "/a", "/b", "/echo", "/batch"},
		Open: func(*cloud.Cloud) (*cloud.Server, error) {
			return &cloud.Server{Serve: func(_ context.Context, r *wire.Request, _ faults.Effect) (*wire.Response, error) {
				if strings.HasSuffix(r.Path, "/no") {
					return wire.RPC(r, wire.APIError{Code: 404, Reason: "notFound", Message: "no"}), nil
				}
				if strings.HasSuffix(r.Path, "/data") {
					return &wire.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{ "a": 1, "b": 2 }`)}, nil
				}
				r.Ignored = []string{"colour"}
				return wire.Reply(200, doc.Map{"method": r.Method, "path": r.Path, "query": r.Query, "body": string(r.Body)}), nil
			}}, nil
		},
	}
}

// serve serves the echo; the front is given too, for its log.
func serve(t *testing.T) (string, *front.Front) {
	t.Helper()
	c, err := cloud.New(cloud.Options{}, []cloud.Service{echo()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := front.Open(c, "")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL, f
}

// send sends a call without any help of the client: no compression that it undoes itself.
func send(t *testing.T, method, url, body string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, raw
}

func zipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCallsComeAsClientsSendThem(t *testing.T) {
	base, _ := serve(t)
	base += "/echo.googleapis.com"
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		want                     string // of the answer, without white space
	}{
		{"as it is", "POST", "/x?prettyPrint=false", "b", nil, `{"body":"b","method":"POST","path":"/x","query":{"prettyPrint":["false"]}}`},
		{"a compressed body", "POST", "/x?fields=body", zipped(t, "hello"), []string{"Content-Encoding", "gzip"}, `{"body":"hello"}`},
		{"a method in a header", "POST", "/x?fields=method", "", []string{"X-HTTP-Method-Override", "PATCH"}, `{"method":"PATCH"}`},
		{"of a POST only", "GET", "/x?fields=method", "", []string{"X-HTTP-Method-Override", "DELETE"}, `{"method":"GET"}`},
		{"a query in the body", "POST", "/x", "fields=method,query/a&a=1", []string{"X-HTTP-Method-Override", "GET", "Content-Type", "application/x-www-form-urlencoded"},
			`{"method":"GET","query":{"a":["1"]}}`},
		{"a mask with a dollar", "GET", "/x?$fields=method", "", nil, `{"method":"GET"}`},
		{"a bad mask", "GET", "/x?fields=a(&$.xgafv=2", "", nil, `{"error":{"code":400,"message":"Invalidfieldselectiona(","status":"INVALID_ARGUMENT"}}`},
		{"a refusal is not cut", "GET", "/no?fields=method", "", nil, `{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}`},
		{"a refusal of the older form", "GET", "/no?$.xgafv=1", "", nil, `{"error":{"code":404,"errors":[{"domain":"global","message":"no","reason":"notFound"}],"message":"no","status":"NOT_FOUND"}}`},
	} {
		_, raw := send(t, tc.method, base+tc.path, tc.body, tc.header...)
		if have := strings.Join(strings.Fields(string(raw)), ""); have != tc.want {
			t.Errorf("%s: %s", tc.name, have)
		}
	}
	var kept doc.Map
	if _, raw := send(t, "PUT", base+"/object", zipped(t, "hello"), "Content-Encoding", "gzip"); json.Unmarshal(raw, &kept) != nil || doc.Str(kept, "body") == "hello" {
		t.Errorf("an object's own encoding is undone: %s", raw)
	}
	if resp, raw := send(t, "GET", base+"/data?prettyPrint=false&fields=a&alt=media", "", "Accept-Encoding", "gzip", "User-Agent", "x (gzip)"); string(raw) != `{ "a": 1, "b": 2 }` || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("somebody's data: %s", raw)
	}
	if resp, raw := send(t, "POST", base+"/x", "no gzip", "Content-Encoding", "gzip"); resp.StatusCode != 400 {
		t.Errorf("a body that is not what its header says: %d %s", resp.StatusCode, raw)
	}
}

func TestAnswersAreCompressedForThoseWhoAsk(t *testing.T) {
	base, _ := serve(t)
	for _, tc := range []struct {
		name           string
		accept, client string
		want           string
	}{
		{"asked for", "gzip, deflate", "gcloud (gzip)", "gzip"},
		{"not asked for", "identity", "gcloud (gzip)", ""},
		{"a client that does not say it can", "gzip", "curl", ""},
	} {
		resp, raw := send(t, "GET", base+"/echo.googleapis.com/x", "", "Accept-Encoding", tc.accept, "User-Agent", tc.client)
		if have := resp.Header.Get("Content-Encoding"); have != tc.want {
			t.Errorf("%s: %q", tc.name, have)
		}
		var in io.Reader = bytes.NewReader(raw)
		if tc.want == "gzip" {
			z, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			in = z
		}
		var d doc.Map
		if err := json.NewDecoder(in).Decode(&d); err != nil || doc.Str(d, "path") != "/x" {
			t.Errorf("%s: %v %v", tc.name, d, err)
		}
	}
}

func TestEveryCallIsInTheLog(t *testing.T) {
	base, f := serve(t)
	send(t, "GET", base+"/echo.googleapis.com/x", "")
	send(t, "POST", base+"/echo.googleapis.com/x", "", "X-HTTP-Method-Override", "PUT")
	send(t, "GET", base+"/echo/y", "")
	send(t, "GET", base+"/other.googleapis.com/z", "")
	send(t, "PUT", base+"/bucket/object", "")
	send(t, "GET", base+"/_emulator/calls", "")
	all, err := f.Calls()
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, c := range all {
		have = append(have, fmt.Sprintf("%s %s %d%v", c.Method, c.Path, c.Status, c.Ignored))
	}
	want := []string{
		"GET /echo.googleapis.com/x 200[colour]", "PUT /echo.googleapis.com/x 200[colour]", "GET /echo.googleapis.com/echo/y 200[colour]",
		"GET /other.googleapis.com/z 501[]", "PUT /bucket/object 501[]",
	}
	if !slices.Equal(have, want) {
		t.Errorf("%q", have)
	}
}

// gcloud's form: each part has an id, a request line without host and version, headers and a body.
func TestSeveralCallsInOne(t *testing.T) {
	base, f := serve(t)
	body := strings.ReplaceAll(`--b
Content-Type: application/http
MIME-Version: 1.0
Content-Transfer-Encoding: binary
Content-ID: <d5a6 + 0>

GET http://127.0.0.1:1/a?fields=path HTTP/1.1
Host: 127.0.0.1:1
accept: application/json

--b
Content-Type: application/http
Content-ID: <d5a6 + 1>

POST /b?fields=body,method
Content-Type: application/json
Content-Length: 2

{}
--b
Content-Type: application/http
Content-ID: <d5a6 + 2>

GET /echo.googleapis.com/no HTTP/1.1

--b
Content-Type: application/http
Content-ID: <d5a6 + 3>

rubbish
--b--
`, "\n", "\r\n")
	resp, raw := send(t, "POST", base+"/echo.googleapis.com/batch/echo/v1", body, "Content-Type", `multipart/mixed; boundary="b"`)
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for r := multipart.NewReader(bytes.NewReader(raw), params["boundary"]); ; {
		part, err := r.NextPart()
		if err != nil {
			break
		}
		inner, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(inner), "\r\n")
		_, answer, _ := strings.Cut(string(inner), "\r\n\r\n")
		have = append(have, part.Header.Get("Content-ID")+" "+line+" "+strings.Join(strings.Fields(answer), ""))
	}
	want := []string{
		`<response-d5a6 + 0> HTTP/1.1 200 OK {"path":"/a"}`,
		`<response-d5a6 + 1> HTTP/1.1 200 OK {"body":"{}","method":"POST"}`,
		`<response-d5a6 + 2> HTTP/1.1 404 Not Found {"error":{"code":404,"message":"no","status":"NOT_FOUND"}}`,
		`<response-d5a6 + 3> HTTP/1.1 400 Bad Request {"error":{"code":400,"message":"Failedtoparsebatchrequest,error:aparthasnorequestline","status":"INVALID_ARGUMENT"}}`,
	}
	if !slices.Equal(have, want) {
		t.Errorf("%s", strings.Join(have, "\n"))
	}
	if all, err := f.Calls(); err != nil || len(all) != 4 {
		t.Errorf("the log has %d calls", len(all))
	}
}
