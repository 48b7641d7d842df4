package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/config"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
)

// Where daemons serve HTTP unless they are told otherwise.
const (
	towerHTTP = "127.0.0.1:5580"
	storeHTTP = "127.0.0.1:5581"
)

// httpFlags say where a command serves HTTP, and to whom.
type httpFlags struct{ httpd.Config }

func (f *httpFlags) addTo(cmd *cobra.Command, addr string) {
	fl := cmd.Flags()
	what := "health, metrics and JSON"
	if addr == towerHTTP {
		what = "a web page, health, metrics and JSON"
	}
	fl.StringVar(&f.Addr, "http", addr, "`ADDR` to serve "+what+" on, host:port; port 0 is a free one, \"off\" is none")
	fl.StringVar(&f.Cert, "http-cert", "", "`FILE` of the certificate for HTTP over TLS, with its chain, in PEM")
	fl.StringVar(&f.Key, "http-key", "", "`FILE` of the certificate's key")
	fl.StringVar(&f.TokenFile, "http-token-file", "", "`FILE` of the token that HTTP requests must have")
	fl.BoolVar(&f.Pprof, "pprof", false, "serve Go's profiles on /debug/pprof/ of --http")
}

// check returns what is wrong with the flags.
func (f *httpFlags) check() error {
	if err := f.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// serve serves what is known of a daemon until the server is closed. If the port is
// the one of the default and is taken, it says so, and the daemon goes without.
func (f *httpFlags) serve(cmd *cobra.Command, d httpd.Daemon) (*httpd.Server, error) {
	d.Version = versionText()
	s, err := httpd.Start(f.Config, d)
	if layer, _ := config.Origin(cmd.Flag("http")); layer == config.FromDefault && errors.Is(err, syscall.EADDRINUSE) {
		fmt.Fprintf(cmd.ErrOrStderr(), "beck: no HTTP: %s is taken; --http gives it another address, --http off does without\n", f.Addr)
		return nil, nil
	}
	return s, err
}

// field is what a ready line says of a server: nothing of none.
func field(s *httpd.Server) string {
	if s == nil {
		return ""
	}
	return " http=" + s.URL()
}

// tell says on standard error where a client serves HTTP.
func tell(errOut io.Writer, s *httpd.Server) {
	if s != nil {
		fmt.Fprintf(errOut, "beck: http=%s\n", s.URL())
	}
}

// nearby returns a survey's settings for the mesh of a node. The observer is on
// this machine only if the node is.
func nearby(node beck.NodeConfig) survey.Config {
	host, _, _ := net.SplitHostPort(node.Listen)
	node.Listen = net.JoinHostPort(host, "0")
	return survey.Config{NodeConfig: node}
}

func towerDaemon(t *tower.Tower, mesh *meshFlags, log *slog.Logger) httpd.Daemon {
	host, _, _ := protocol.ParseEndpoint(mesh.pub.list[0]) // which was bound
	node := beck.NodeConfig{
		Sub: []string{t.Sub()}, Pub: []string{t.Pub()},
		Listen: net.JoinHostPort(strings.TrimPrefix(host, "*"), "0"), Version: versionText(), Logger: log,
	}
	return httpd.Daemon{
		Alive: alive, Ready: func() []string { return nil },
		Metrics: []prometheus.Collector{httpd.TowerMetrics(t)}, Mesh: nearby(node.WithDefaults()),
		Page: true,
	}
}

func alive() error { return nil }

func storeDaemon(s *store.Store, node beck.NodeConfig) httpd.Daemon {
	towers := towersMet(node, func() int { return s.Stats().Towers })
	return httpd.Daemon{
		Alive: func() error {
			select {
			case <-s.Failed():
				return errors.New(cmp.Or(strings.Join(s.Troubles(), "; "), "the store has stopped"))
			default:
				return nil
			}
		},
		Ready:   func() []string { return append(s.Troubles(), towers()...) },
		Metrics: []prometheus.Collector{httpd.StoreMetrics(s)},
		Mesh:    nearby(node),
	}
}

// towersMet returns what says why a node is not ready: it has never met a tower. Once
// it has, it goes on without.
func towersMet(node beck.NodeConfig, up func() int) func() []string {
	var met atomic.Bool
	return func() []string {
		if met.Load() || up() > 0 {
			met.Store(true)
			return nil
		}
		return []string{noTower(node).text}
	}
}

func producerDaemon(p *producer.Producer, window int64, node beck.NodeConfig) httpd.Daemon {
	return httpd.Daemon{
		Alive: alive, Ready: towersMet(node, func() int { return p.Stats().Towers }),
		Metrics: []prometheus.Collector{httpd.ProducerMetrics(p, window)}, Mesh: nearby(node),
	}
}

func consumerDaemon(c *consumer.Consumer, node beck.NodeConfig) httpd.Daemon {
	return httpd.Daemon{
		Alive: alive, Ready: towersMet(node, func() int { return c.Stats().Towers }),
		Metrics: []prometheus.Collector{httpd.ConsumerMetrics(c)}, Mesh: nearby(node),
	}
}
