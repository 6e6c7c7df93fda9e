package gcp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// network is the way to the real cloud: proxies from the environment, and pings by which a dead connection of HTTP/2 is noticed
// while a long poll waits on it.
func network() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConns:        2 * mostCalls, MaxIdleConnsPerHost: mostCalls,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// linkError is a call that got no answer, with its class and advice.
type linkError struct {
	err   error
	class resources.Class
	hint  string
}

func (e *linkError) Error() string          { return e.err.Error() }
func (e *linkError) Unwrap() error          { return e.err }
func (e *linkError) Class() resources.Class { return e.class }

// silentError is an attempt that got no answer in its time. It is no deadline of the caller's: errors.Is finds none in it.
type silentError struct{ after time.Duration }

func (e *silentError) Error() string {
	return "no answer within " + e.after.Round(time.Second).String()
}

// Timeout makes it a net.Error.
func (*silentError) Timeout() bool { return true }

// Temporary makes it a net.Error.
func (*silentError) Temporary() bool { return true }

// classifyLink tells what time mends from what it does not.
func classifyLink(err error) (resources.Class, string) {
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var classed resources.Classed
	text := err.Error()
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &authority):
		return resources.ClassFatal, "the certificate is signed by an authority that is not known here: if a proxy opens the traffic, name its certificate in SSL_CERT_FILE"
	case errors.As(err, &invalid):
		if invalid.Reason == x509.Expired {
			return resources.ClassFatal, "the certificate is out of date, or the clock of this machine is wrong: look at it with: date -u"
		}
		return resources.ClassFatal, "the certificate is not good: if a proxy opens the traffic, name its certificate in SSL_CERT_FILE"
	case errors.As(err, &host):
		return resources.ClassFatal, "another host answered than the one that was asked: look at the proxy settings (HTTPS_PROXY, NO_PROXY) and at DNS"
	case errors.As(err, &record), has("server gave HTTP response to HTTPS client"):
		return resources.ClassFatal, "what answered does not speak TLS: look at HTTPS_PROXY, or at --endpoint"
	case has("invalid proxy address", "unknown proxy scheme", "invalid proxy URL", "Proxy Authentication Required"):
		return resources.ClassFatal, "correct the proxy in HTTPS_PROXY: http://[USER:PASSWORD@]HOST:PORT"
	case has("unsupported protocol", "protocol version not supported", "no Host in request URL", "invalid header field"):
		return resources.ClassFatal, ""
	case errors.As(err, &dns) && dns.IsNotFound:
		return resources.ClassTransient, dnsHint
	case errors.As(err, &classed):
		return classed.Class(), ""
	case has("proxyconnect"):
		return resources.ClassTransient, "the proxy cannot be reached: look at HTTPS_PROXY"
	}
	if passingLink(err, text) {
		return resources.ClassTransient, ""
	}
	return resources.ClassFatal, ""
}

const dnsHint = "the name cannot be resolved: look at the network, a VPN, and whether a proxy is needed (HTTPS_PROXY)"

// passingLink knows what breaks in passing. The errors of HTTP/2 have no exported types.
func passingLink(err error, text string) bool {
	var netErr net.Error
	var urlErr *url.Error
	for _, one := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE} {
		if errors.Is(err, one) {
			return true
		}
	}
	if errors.As(err, &urlErr) {
		err = urlErr.Err // a url.Error is a net.Error whatever it holds
	}
	return errors.As(err, &netErr) || strings.Contains(text, "http2: ") || strings.Contains(text, "stream error") ||
		strings.Contains(text, "server closed idle connection") || strings.Contains(text, "transport connection broken") || strings.Contains(text, "malformed HTTP")
}

// unsent says whether nothing of a request can have arrived: there was no connection, or no token.
func unsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var token *tokenError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || errors.As(err, &token) || strings.Contains(err.Error(), "proxyconnect")
}
