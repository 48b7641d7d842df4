package mesh

import (
	"fmt"
	"log/slog"

	beck "github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Config says how a node moves bytes.
type Config struct {
	beck.NodeConfig
	UUID         string            // the node's address
	Role         string            // protocol.RoleProducer, RoleConsumer or RoleStore
	MessageBytes int               // largest message taken or sent, in bytes of its frames; default 16 MiB
	Window       core.WindowConfig // what the node publishes
	Outlet       core.OutletConfig // what may wait on one link

	// OnSkip is told of records that the window dropped before the link to a peer
	// had them. It is called with the lock held. Default: none.
	OnSkip func(peer string, records uint64)
}

// DefaultMessageBytes is the largest message unless it is set otherwise.
const DefaultMessageBytes = 16 << 20

func (c Config) withDefaults() Config {
	c.NodeConfig = c.NodeConfig.WithDefaults()
	if c.MessageBytes == 0 {
		c.MessageBytes = DefaultMessageBytes
	}
	if c.Outlet == (core.OutletConfig{}) {
		c.Outlet = core.DefaultOutletConfig()
	}
	return c
}

func (c Config) towers() ([]protocol.TowerAddr, error) {
	if len(c.Sub) != len(c.Pub) {
		return nil, fmt.Errorf("%d sub addresses and %d pub addresses: a tower has one of each", len(c.Sub), len(c.Pub))
	}
	towers := make([]protocol.TowerAddr, len(c.Sub))
	for i := range c.Sub {
		towers[i] = protocol.TowerAddr{Sub: c.Sub[i], Pub: c.Pub[i]}
	}
	return towers, nil
}

func (c Config) logger() *slog.Logger { return c.Logger.With("node", c.UUID[:8], "role", c.Role) }
