package store

import (
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// Config says what a store keeps. Begin with DefaultConfig.
type Config struct {
	beck.NodeConfig

	// Dir is the data directory, made when it is not there. A directory that
	// holds something else is refused. There is no default.
	Dir string

	// Topics are those to keep, besides the positions that consumers save.
	// Default: all.
	Topics []string

	// GatherBytes bounds the records received and not yet on disk, together
	// with those that were asked for. Default 64 MiB. What does not fit is
	// fetched later.
	GatherBytes int64

	// CacheBytes is the memory for blocks read from disk. Default 64 MiB.
	CacheBytes int64

	// MessageBytes is the largest message accepted, as for producers. Default
	// 16 MiB.
	MessageBytes int
}

// DefaultConfig returns the settings of a store beside a local tower; Dir is
// left to the caller.
func DefaultConfig() Config {
	return Config{
		NodeConfig: beck.DefaultNodeConfig(), GatherBytes: 64 << 20, CacheBytes: 64 << 20,
		MessageBytes: mesh.DefaultMessageBytes,
	}
}

func (c Config) validate() error {
	if err := c.NodeConfig.WithDefaults().Validate(); err != nil {
		return err
	}
	if c.Dir == "" {
		return fmt.Errorf("%w: Dir is empty", beck.ErrConfig)
	}
	for _, t := range c.Topics {
		if err := protocol.ValidTopic(t); err != nil {
			return fmt.Errorf("topic %q: %w", t, err)
		}
	}
	for _, b := range []struct {
		field         string
		is, low, high int64
	}{
		{"GatherBytes", c.GatherBytes, 1 << 20, 1 << 40},
		{"CacheBytes", c.CacheBytes, 1 << 20, 1 << 40},
		{"MessageBytes", int64(c.MessageBytes), 1 << 10, 1 << 30},
	} {
		if b.is < b.low || b.is > b.high {
			return fmt.Errorf("%w: %s is %d, not between %d and %d", beck.ErrConfig, b.field, b.is, b.low, b.high)
		}
	}
	return nil
}
