package consumer

import (
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// StartPosition says where a consumer begins in each partition.
type StartPosition int

const (
	// Latest begins behind the last record there is when the consumer becomes
	// ready, and gets all that is published from then on.
	Latest StartPosition = iota
	// Earliest begins with the oldest record that is kept.
	Earliest
)

// Config says what a consumer receives. Begin with DefaultConfig.
type Config struct {
	beck.NodeConfig

	// Topics are received from the start; Subscribe adds to them.
	Topics []string

	// Start says where to begin in a partition. Default Latest.
	Start StartPosition

	// StopAtEnd makes Poll return io.EOF, and Records end, when everything that
	// was known at the start has been delivered. Default false.
	StopAtEnd bool

	// QueueBytes bounds the records that were received and not yet polled,
	// together with those that were asked for. Default 32 MiB. What does not
	// fit is fetched later, from a store.
	QueueBytes int64

	// MessageBytes is the largest message accepted, as for producers. Default
	// 16 MiB.
	MessageBytes int

	// SkipMissingAfter is how long a range that no linked node has is waited
	// for before it is skipped, and reported. Default 0: for ever.
	SkipMissingAfter time.Duration

	// OnGap is told of each range that stalled, was skipped or had expired,
	// and of the end of a stall. The calls come one at a time. Default: none;
	// the logger is told in any case.
	OnGap func(Gap)
}

// Gap is a range of a partition that could not be delivered, or not yet.
type Gap struct {
	Kind        GapKind
	Topic       string
	Partition   string // the producer's address
	First, Last uint64 // offsets
}

// String names the gap for logs.
func (g Gap) String() string {
	return fmt.Sprintf("%s/%s %d–%d %s", g.Topic, g.Partition, g.First, g.Last, g.Kind)
}

// GapKind tells what is the matter with a Gap.
type GapKind string

// The kinds of gaps.
const (
	Stalled GapKind = "stalled" // no linked node has the range; it is retried
	Resumed GapKind = "resumed" // the range that stalled is there
	Skipped GapKind = "skipped" // the range was given up
	Expired GapKind = "expired" // the range has passed its retention
)

// DefaultConfig returns the settings of a consumer beside a local tower.
func DefaultConfig() Config {
	return Config{NodeConfig: beck.DefaultNodeConfig(), QueueBytes: 32 << 20, MessageBytes: mesh.DefaultMessageBytes}
}

func (c Config) validate() error {
	if err := c.NodeConfig.WithDefaults().Validate(); err != nil {
		return err
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
		{"Start", int64(c.Start), int64(Latest), int64(Earliest)},
		{"MessageBytes", int64(c.MessageBytes), 1 << 10, 1 << 30},
		{"QueueBytes", c.QueueBytes, 64 << 10, 1 << 40},
		{"SkipMissingAfter", int64(c.SkipMissingAfter), 0, 1 << 62},
	} {
		if b.is < b.low || b.is > b.high {
			return fmt.Errorf("%w: %s is %d, not between %d and %d", beck.ErrConfig, b.field, b.is, b.low, b.high)
		}
	}
	return nil
}
