// Package httpd is the HTTP side of a daemon: whether it lives and is ready, its
// metrics, and what is known of the mesh. All of it only reads, but for one thing.
//
//	/livez            the process answers, and has not given up
//	/readyz           it does what it is there for, or why not
//	/metrics          for Prometheus
//	/api/v1/...       JSON of what beck ls, nodes, describe, gaps, lag and check show,
//	                  pages of records, and streams of records and of the mesh
//	/api/v1/log-level what is logged; with a token it can be changed
//	/, /ui/...        the page for browsers, only where asked for: package web
//	/debug/pprof/     Go's profiles, only where asked for
package httpd

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/prometheus/client_golang/prometheus"
)

// Off as an address switches HTTP off.
const Off = "off"

// ErrConfig marks an error of the settings, unlike one of the network.
var ErrConfig = errors.New("wrong setting")

// Config says where a daemon serves HTTP, and to whom.
type Config struct {
	// Addr is "host:port"; port 0 is a free one, no host is every interface, and
	// [Off] serves nothing. A host is an IP address or localhost.
	Addr string
	// Cert and Key are files in PEM, of the certificate with its chain and of its
	// key: with them HTTP is served over TLS only. They are read once.
	Cert, Key string
	// TokenFile has the token that requests must bring along, as "Authorization:
	// Bearer TOKEN": 16 to 1,024 bytes. White space around it does not count.
	// /livez and /readyz answer without it, but then /readyz gives no reasons.
	TokenFile string
	// Pprof serves Go's profiles as well. They show what is in memory, and take
	// time.
	Pprof bool

	// MaxConns bounds the connections. One more closes the one that has been idle
	// longest, so that idle ones keep nobody out. Default 128.
	MaxConns int
	// MaxRequests bounds the requests that are answered at the same time; others
	// get status 503. /livez and /readyz do not count. Default 16.
	MaxRequests int
	// MaxStreams bounds the streams of events that are being sent; others get status
	// 503. They do not count as requests. Default 16.
	MaxStreams int
	// MaxPartitions bounds the partitions of which a page shows records. Of a topic
	// that has more, those that were written to last are looked at. Default 256, of
	// which the cursors of a page fit into a URL.
	MaxPartitions int
}

// Daemon is what a server tells of.
type Daemon struct {
	Version string
	// Alive returns why the daemon is to be started again; nil: it lives.
	Alive func() error
	// Ready returns why the daemon cannot do what it is there for; none: it can.
	Ready func() []string
	// Metrics are what /metrics has besides those of Go and the process.
	Metrics []prometheus.Collector
	// LogLevel is told at /api/v1/log-level, and changed there; nil: there is no such
	// path.
	LogLevel *LogLevel
	// Mesh is where /api/v1 looks, by a node of its own that is there only while
	// somebody asks.
	Mesh survey.Config
	// Page serves the page for browsers at / and /ui/. Its files are for everybody;
	// what it shows it asks for with the token.
	Page bool
}

const (
	defaultConns    = 128
	defaultRequests = 16
	defaultStreams  = 16
	defaultParts    = 256
	mostPages       = 4 // of records that are read at a time; others wait
	shortestToken   = 16
	longestToken    = 1024
)

// settings are a Config that was checked, with what its files say.
type settings struct {
	Config
	host  string // of Addr
	tls   *tls.Config
	token string
}

// Validate returns what is wrong with the settings, ErrConfig with the name of the
// flag that is to be set otherwise. It reads the files.
func (c Config) Validate() error {
	_, err := c.load()
	return err
}

func (c Config) load() (*settings, error) {
	s := &settings{Config: c}
	s.MaxConns, s.MaxRequests = cmp.Or(s.MaxConns, defaultConns), cmp.Or(s.MaxRequests, defaultRequests)
	s.MaxStreams, s.MaxPartitions = cmp.Or(s.MaxStreams, defaultStreams), cmp.Or(s.MaxPartitions, defaultParts)
	if c.Addr == Off {
		return s, nil
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: --http: %q: want host:port, or %s", ErrConfig, c.Addr, Off)
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return nil, fmt.Errorf("%w: --http: %q: want a port of 0 to 65535", ErrConfig, c.Addr)
	}
	if s.host = host; host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return nil, fmt.Errorf("%w: --http: %q: want an IP address, localhost or no host", ErrConfig, c.Addr)
		}
	}
	if err := s.loadCert(); err != nil {
		return nil, err
	}
	if err := s.loadToken(); err != nil {
		return nil, err
	}
	if !loopback(host) && (s.tls == nil || s.token == "") {
		return nil, fmt.Errorf("%w: --http: %q is reached from elsewhere: give --http-cert, --http-key and --http-token-file, or listen on 127.0.0.1", ErrConfig, c.Addr)
	}
	return s, nil
}

func (s *settings) loadCert() error {
	switch {
	case s.Cert == "" && s.Key == "":
		return nil
	case s.Cert == "" || s.Key == "":
		return fmt.Errorf("%w: --http-cert and --http-key: want both or none", ErrConfig)
	}
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return fmt.Errorf("%w: --http-cert, --http-key: %w", ErrConfig, err)
	}
	s.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	return nil
}

func (s *settings) loadToken() error {
	if s.TokenFile == "" {
		return nil
	}
	text, err := os.ReadFile(s.TokenFile)
	if err != nil {
		return fmt.Errorf("%w: --http-token-file: %w", ErrConfig, err)
	}
	s.token = strings.TrimSpace(string(text))
	if n := len(s.token); n < shortestToken || n > longestToken {
		return fmt.Errorf("%w: --http-token-file: the token has %d bytes: want %d to %d", ErrConfig, n, shortestToken, longestToken)
	}
	return nil
}

// loopback reports whether only this machine reaches a host.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Times that bound what a client can hold up.
const (
	headerTime = 5 * time.Second
	answerTime = 30 * time.Second
	idleTime   = time.Minute
	maxHeader  = 16 << 10
)
