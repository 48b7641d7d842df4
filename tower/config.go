package tower

import (
	"fmt"
	"log/slog"

	beck "github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Where a tower binds unless it is told otherwise: the ports that Dafka uses,
// on every interface.
const (
	DefaultSub = "tcp://*:5556"
	DefaultPub = "tcp://*:5557"
)

// Config says where a tower binds and what it takes on. The zero value of a
// field stands for its default.
type Config struct {
	// Sub is where nodes send their beacons to, Pub where they hear of each
	// other: "tcp://host:port", with "*" as host for every interface and 0 as
	// port for a free one. Defaults: DefaultSub and DefaultPub. Bind 127.0.0.1
	// to keep a mesh on one machine: a tower believes whoever reaches it.
	Sub, Pub string

	// Name is told to nodes beside the tower's age and means nothing to the
	// protocol. At most 255 bytes. Default: none.
	Name string

	// Version of the program, told to nodes. At most 255 bytes. Default: none.
	Version string

	// Logger gets what the tower has to say. Default: slog.Default().
	Logger *slog.Logger

	// MaxNodes bounds the nodes that are remembered, and the connections of
	// either port. Default 16,384, about 20 MB; raise it with the limit of
	// open files.
	MaxNodes int

	// MaxPerAddress bounds the nodes from one IP address, and its connections
	// to either port, so that one machine cannot use up MaxNodes. Default
	// 2,048; at least 1. Raise it where more nodes than that share an address.
	MaxPerAddress int

	// QueueBytes bounds what waits for one subscriber that reads slowly, in
	// bytes of encoded beacons; lists and gathered repeats, one of each at
	// most, come on top. Beyond that the link is closed, and the node comes
	// back for a fresh list. Default 1 MiB; at least 4 KiB.
	QueueBytes int
}

// DefaultConfig returns the settings of a tower on Dafka's ports.
func DefaultConfig() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	if c.Sub == "" {
		c.Sub = DefaultSub
	}
	if c.Pub == "" {
		c.Pub = DefaultPub
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.MaxNodes == 0 {
		c.MaxNodes = 16384
	}
	if c.MaxPerAddress == 0 {
		c.MaxPerAddress = 2048
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 1 << 20
	}
	return c
}

// validate returns an error that wraps beck.ErrConfig and names the first field
// out of its bounds.
func (c Config) validate() error {
	for _, check := range []struct {
		field    string
		n        int
		low, top int
	}{
		{"Name", len(c.Name), 0, 255},
		{"Version", len(c.Version), 0, 255},
		{"MaxNodes", c.MaxNodes, 1, 1 << 20},
		{"MaxPerAddress", c.MaxPerAddress, 1, 1 << 20},
		{"QueueBytes", c.QueueBytes, 4 << 10, 1 << 30},
	} {
		if check.n < check.low || check.n > check.top {
			return &beck.SettingError{Field: check.field, Err: fmt.Errorf("%d is not between %d and %d", check.n, check.low, check.top)}
		}
	}
	for _, bind := range []struct{ field, endpoint string }{{"Sub", c.Sub}, {"Pub", c.Pub}} {
		if _, _, err := protocol.ParseEndpoint(bind.endpoint); err != nil {
			return &beck.SettingError{Field: bind.field, Err: fmt.Errorf("%q is not tcp://host:port", bind.endpoint)}
		}
	}
	return nil
}

func (c Config) directory() core.DirectoryConfig {
	return core.DirectoryConfig{MaxNodes: c.MaxNodes, MaxNodesPerAddress: c.MaxPerAddress}
}
