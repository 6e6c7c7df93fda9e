package gcp

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// A server whose certificate nobody here knows is refused at once, with what mends it; one that is known is spoken to over HTTP/2,
// so that pings find a dead connection.
func TestTheNetwork(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Proto", r.Proto)
		_, _ = w.Write([]byte("{}"))
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	defer srv.Close()
	get := func(base *http.Transport, url string) (*http.Response, error) {
		defer base.CloseIdleConnections()
		rt := newRetrying(nil, Options{})
		rt.next = attempting{next: base, scaled: rt.scaled}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rt.RoundTrip(r)
	}
	_, err := get(network(), srv.URL)
	if err := Wrap("", err); resources.ClassOf(err) != resources.ClassFatal || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("class %q: %v", resources.ClassOf(err), err)
	}
	known := network()
	known.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	known.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	resp, err := get(known, srv.URL)
	if err != nil || resp.Header.Get("Proto") != "HTTP/2.0" {
		t.Errorf("%v %v", resp, err)
	}
	plain := httptest.NewServer(srv.Config.Handler)
	defer plain.Close()
	_, err = get(network(), strings.Replace(plain.URL, "http:", "https:", 1))
	if err := Wrap("", err); resources.ClassOf(err) != resources.ClassFatal || !strings.Contains(err.Error(), "HTTPS_PROXY") {
		t.Errorf("class %q: %v", resources.ClassOf(err), err)
	}
}

// A name that does not resolve is asked for a few times and is then final, with where to look.
func TestANameThatDoesNotResolve(t *testing.T) {
	tries := 0
	rt := newRetrying(trip(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}
	}), Options{Pace: 1000})
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x/y", strings.NewReader("{}"))
	_, err := rt.RoundTrip(r)
	if err := Wrap("", err); tries != mostNameTries || resources.ClassOf(err) != resources.ClassFatal || !strings.Contains(err.Error(), "VPN") {
		t.Errorf("%d tries, class %q: %v", tries, resources.ClassOf(err), err)
	}
}
