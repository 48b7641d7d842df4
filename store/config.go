package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
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

	// Retain are rules for how much of each partition is kept, PATTERN=LIMITS,
	// like "logs.*=records:1000" or "audit.>=age:30d,bytes:10GiB". In a pattern,
	// levels are separated by dots: * stands for any one, > at the end for one or
	// more. The limits are records:N, the last N of each partition; age:DURATION,
	// since a store first saw them; bytes:SIZE, of their contents; of several the
	// strictest wins. The first rule that matches a topic counts. Default: what no
	// rule matches is kept for ever. Of beck's own topics, which begin with
	// "_beck.", a rule counts whose pattern begins so too; without one, the last
	// 8,192 records of saved positions are kept of each consumer.
	Retain []string

	// TombstoneAge is how long a partition that retention or a purge emptied is
	// remembered, so that it does not come back from a store that was away: longer
	// than any store stays away. 1 s to 10 years, default 30 days.
	TombstoneAge time.Duration

	// GatherBytes bounds the records received and not yet on disk, together
	// with those that were asked for. Default 64 MiB. What does not fit is
	// fetched later.
	GatherBytes int64

	// OnFull is called with true when the disk is full: from then on nothing is
	// acknowledged, while reading goes on; and with false when there is room
	// again. The calls follow one another and must return at once. Default: none;
	// the log says so in any case.
	OnFull func(full bool)

	// OnGap is told of records that the store could not get. It is a hook: see
	// [beck.Peer]. Default: none; the log says so in any case.
	OnGap func(Gap)

	// CacheBytes is the memory for blocks read from disk. Default 64 MiB.
	CacheBytes int64

	// MessageBytes is the largest message accepted, as for producers. Default
	// 16 MiB.
	MessageBytes int

	disk func(*blocklog.Options) // for tests: gives the log another disk
}

// Gap is a range of a partition that a store has gone on behind.
type Gap struct {
	Topic       string
	Partition   string // the producer's address
	First, Last uint64 // offsets
	Expired     bool   // other nodes had let it expire; else none that is here has it
}

// DefaultConfig returns the settings of a store beside a local tower; Dir is
// left to the caller.
func DefaultConfig() Config {
	return Config{
		NodeConfig: beck.DefaultNodeConfig(), GatherBytes: 64 << 20, CacheBytes: 64 << 20,
		MessageBytes: mesh.DefaultMessageBytes, TombstoneAge: 30 * 24 * time.Hour,
	}
}

func (c Config) validate() error {
	if err := c.NodeConfig.WithDefaults().Validate(); err != nil {
		return err
	}
	if c.Dir == "" {
		return &beck.SettingError{Field: "Dir", Err: errors.New("no directory given")}
	}
	for _, t := range c.Topics {
		if err := protocol.ValidTopic(t); err != nil {
			return fmt.Errorf("topic %q: %w", t, err)
		}
	}
	if _, err := blocklog.ParseRules(c.Retain); err != nil {
		return &beck.SettingError{Field: "Retain", Err: err}
	}
	for _, b := range []struct {
		field         string
		is, low, high int64
	}{
		{"GatherBytes", c.GatherBytes, 1 << 20, 1 << 40},
		{"CacheBytes", c.CacheBytes, 1 << 20, 1 << 40},
		{"TombstoneAge", int64(c.TombstoneAge), int64(time.Second), int64(10 * 366 * 24 * time.Hour)},
		{"MessageBytes", int64(c.MessageBytes), 1 << 10, 1 << 30},
	} {
		if b.is < b.low || b.is > b.high {
			return &beck.SettingError{Field: b.field, Err: fmt.Errorf("%d is not between %d and %d", b.is, b.low, b.high)}
		}
	}
	return nil
}
