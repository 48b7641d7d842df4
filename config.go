package beck

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck/protocol"
)

// Where a node looks for its tower unless it is told otherwise: the ports that
// Dafka uses, on this machine.
const (
	DefaultSub = "tcp://127.0.0.1:5556"
	DefaultPub = "tcp://127.0.0.1:5557"
)

// DefaultListen is every interface and a free port, as Dafka nodes do.
const DefaultListen = ":0"

// DefaultRootTraces is how many traces a producer begins a second by itself.
const DefaultRootTraces = 10

// NodeConfig is what producers, consumers and stores have in common. The zero
// value stands for the defaults.
type NodeConfig struct {
	// Sub lists the towers' endpoints that this node sends its beacons to,
	// "tcp://host:port". Pub lists the endpoints that it gets the beacons of
	// the others from. Sub[i] and Pub[i] are one tower, and the node joins all
	// of them. Default: DefaultSub and DefaultPub. Give more than one tower so
	// that newcomers are introduced while one is down; nodes that know each
	// other need none.
	Sub, Pub []string

	// Listen is the address this node accepts links on, "host:port" as in
	// net.Listen ("*" as host is every interface, too). Default ":0": every
	// interface, a free port. Fix the port for a firewall; set 127.0.0.1:0 to
	// keep a mesh on one machine.
	Listen string

	// Host is what the others are told to dial. Default "": each tower takes
	// the address that this node's connection comes from. Set it when that
	// address cannot be dialled from where the peers are. A go-sockaddr
	// template such as "{{ GetPrivateIP }}" is expanded when the node starts.
	Host string

	// Name appears beside the address in beacons and logs, and means nothing
	// to the protocol. At most 255 bytes. Default: none.
	Name string

	// Version is that of the program, told beside the name. At most 255 bytes.
	// Default: the version of beck that the program was built with.
	Version string

	// Logger gets what the node has to say. Default: slog.Default().
	Logger *slog.Logger

	// TracerProvider makes the node's spans: of what a producer publishes, a store
	// commits and a consumer hands over, see docs/tracing.md. Records carry the trace
	// along in the headers "traceparent" and "tracestate". Default nil: none are made,
	// records carry nothing, and it costs nothing; also the global provider is used
	// only where it is set here, as otel.GetTracerProvider(). Processors of spans are
	// called on the way of records: give one that gathers, not one that exports each.
	TracerProvider trace.TracerProvider
	// RootTraces is how many traces a producer begins a second by itself, at most:
	// where the application publishes under no span of its own. Further calls have
	// no span then, and their records carry nothing, which keeps a stream of
	// millions of records as fast as without traces. Calls under a span always have
	// one. Default 10; below 0, no bound: the provider's sampler decides.
	RootTraces int

	// OnConnect is told of each node and tower that this node has begun to listen
	// to, OnDisconnect when that ended, and why; a node redials by itself. Both are
	// hooks: see [Peer] for what a hook may do. Default: none.
	OnConnect    func(Peer)
	OnDisconnect func(Peer, error)
}

// DefaultNodeConfig returns the settings of a node beside a local tower.
func DefaultNodeConfig() NodeConfig { return NodeConfig{}.WithDefaults() }

// WithDefaults returns c with each unset field at its default.
func (c NodeConfig) WithDefaults() NodeConfig {
	if len(c.Sub) == 0 && len(c.Pub) == 0 {
		c.Sub, c.Pub = []string{DefaultSub}, []string{DefaultPub}
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if port, ok := strings.CutPrefix(c.Listen, "*:"); ok {
		c.Listen = ":" + port
	}
	if c.Version == "" {
		c.Version = builtWith()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.RootTraces == 0 {
		c.RootTraces = DefaultRootTraces
	}
	return c
}

// builtWith returns the version of this module in the running program; "" if that is
// not known.
var builtWith = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	const module = "github.com/beckmesh/beck"
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return ""
})

// SettingError says which setting is out of its bounds. It wraps [ErrConfig].
type SettingError struct {
	Field string // of the Config
	Err   error  // what is wrong with it
}

// Error names the field.
func (e *SettingError) Error() string { return fmt.Sprintf("%v: %s: %v", ErrConfig, e.Field, e.Err) }

// Unwrap returns ErrConfig, and what is wrong.
func (e *SettingError) Unwrap() []error { return []error{ErrConfig, e.Err} }

// Validate returns nil, or an error that wraps ErrConfig and names the first
// field that is out of its bounds. It expects the defaults to be filled in.
func (c NodeConfig) Validate() error {
	if len(c.Sub) != len(c.Pub) {
		return fmt.Errorf("%w: %d sub and %d pub endpoints: a tower has one of each",
			ErrConfig, len(c.Sub), len(c.Pub))
	}
	for _, check := range []struct {
		field string
		err   error
	}{
		{"Sub", endpoints(c.Sub)},
		{"Pub", endpoints(c.Pub)},
		{"Listen", hostPort(c.Listen)},
		{"Host", bounded(c.Host, 1024)},
		{"Name", bounded(c.Name, 255)},
		{"Version", bounded(c.Version, 255)},
	} {
		if check.err != nil {
			return &SettingError{check.field, check.err}
		}
	}
	return nil
}

// endpoints checks a list of towers: at least one, each one dialable.
func endpoints(list []string) error {
	if len(list) == 0 {
		return errors.New("no tower given")
	}
	for _, e := range list {
		host, port, err := protocol.ParseEndpoint(e)
		if err != nil {
			return fmt.Errorf("%q is not tcp://host:port", e)
		}
		if host == "" || port == "0" {
			return fmt.Errorf("%q names no host and port to dial", e)
		}
	}
	return nil
}

// hostPort checks "host:port" as net.Listen takes it.
func hostPort(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q: port is not between 0 and 65535", addr)
	}
	return nil
}

// bounded checks the length of a text that travels in beacons.
func bounded(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("longer than %d bytes", most)
	}
	return nil
}
