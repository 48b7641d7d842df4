package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// Delivery says which records a consumer is given.
type Delivery int

const (
	// AsReceived gives records as soon as they come.
	AsReceived Delivery = iota
	// Stored gives only what at least one store has on disk: what was delivered
	// then outlives its producer. It takes as much longer as a store's disk does,
	// and nothing comes while no store that keeps the topic is there.
	Stored
)

// Config says what a consumer receives. Begin with DefaultConfig.
type Config struct {
	beck.NodeConfig

	// Topics are received from the start; Subscribe adds to them. Each is the name
	// of a topic or a pattern. The levels of a topic are separated by dots; in a
	// pattern, * stands for any one level, and > at the end for one or more:
	// "sensors.*" takes "sensors.a", "sensors.>" also "sensors.a.b", ">" every
	// topic but beck's own. Anything else is ErrPattern. For a topic that has * or >
	// in its name, put a backslash before them, or use Literal. A record that
	// several of them take is delivered once.
	Topics []string

	// Start says where to begin in a partition. Default Latest.
	Start StartPosition

	// StartAt lists places at which to begin instead, one for each partition that
	// has one: with the record that the place names. A position that is saved
	// counts more.
	StartAt []beck.Offset

	// Until ends a partition before its first record whose time is this or later;
	// records without a time end none. It implies StopAtEnd: what is published
	// after the start is not waited for. Default: no end.
	Until time.Time

	// SaveAs is a name under which Commit saves how far the application has
	// finished, 1 to 128 bytes. A consumer that is started under the name again
	// goes on there, and Start counts only for partitions of which nothing is
	// saved; with Latest, only for topics that the name has not read before. One
	// consumer may have a name at a time. Default none: nothing is saved.
	SaveAs string

	// PositionsFile keeps the positions in that file, which is made if need be,
	// and not in the mesh. Use it where no store is to be waited for, or where
	// the positions belong to what the application writes on the same disk.
	// Default: the stores keep them, in the topic "_beck.positions".
	PositionsFile string

	// MinStoreAcks is how many different stores must have positions on disk
	// before Commit returns. Default 1; 2 survives the loss of a store's disk.
	MinStoreAcks int

	// StartTimeout is how long saved positions are waited for, when the stores
	// keep them: until all stores that the towers name have answered, at least
	// one, and until another consumer of the name, which may have crashed just
	// now, is known to be gone. After that the consumer stops with
	// ErrUnanswered. It never begins without them. Default 30 s.
	StartTimeout time.Duration

	// Deliver says which records are given. Default AsReceived.
	Deliver Delivery

	// StopAtEnd makes Poll return io.EOF, and Records end, when everything that
	// was known at the start has been delivered. Default false.
	StopAtEnd bool

	// QueueBytes bounds the records that were received and not yet polled,
	// together with those that were asked for. Default 32 MiB. What does not
	// fit is fetched later, from a store.
	QueueBytes int64

	// ReuseValues lets go of the values, keys and headers that were handed over as
	// soon as more records are asked for: by a call of Poll or PollInto, or by the
	// next turn of a loop over Records, until which its own record stays. Clone a
	// record to keep it. Then one goroutine takes records, and what it has dealt
	// with costs the garbage collector nothing: at 100 bytes a record a third of the
	// processor time (docs/performance.md). Default false: they are the
	// application's for ever.
	ReuseValues bool

	// MessageBytes is the largest message accepted, as for producers, and the
	// largest value where it came compressed. Default 16 MiB.
	MessageBytes int

	// SkipMissingAfter is how long a range that no linked node has is waited
	// for before it is skipped, and reported. Default 0: for ever.
	SkipMissingAfter time.Duration

	// OnGap is told of each range that stalled, was skipped, had expired, or came
	// damaged, and of the end of a stall. It is a hook, see [beck.Peer], and may be
	// called a little after records behind the range were handed over: whoever must
	// know before looks at the offsets. Default: none; the logger is told in any case,
	// and first.
	OnGap func(Gap)

	// OnDrop is told of records that were received and not kept, and are fetched
	// when there is room: the application is slower than what is published, or
	// paused it. It is a hook. Default: none.
	OnDrop func(Drop)
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
	Damaged GapKind = "damaged" // the record came with a checksum not its own; it is fetched again
	Ahead   GapKind = "ahead"   // the saved position, or that of StartAt, is beyond what anybody has: the range was finished, and is gone
)

// DefaultConfig returns the settings of a consumer beside a local tower.
func DefaultConfig() Config {
	return Config{
		NodeConfig: beck.DefaultNodeConfig(), QueueBytes: 32 << 20, MessageBytes: mesh.DefaultMessageBytes,
		MinStoreAcks: 1, StartTimeout: 30 * time.Second,
	}
}

func (c Config) validate() error {
	if err := c.NodeConfig.WithDefaults().Validate(); err != nil {
		return err
	}
	if _, err := c.wants(c.Topics); err != nil {
		return err
	}
	for _, at := range c.StartAt {
		if err := errors.Join(protocol.ValidTopic(at.Topic), protocol.ValidAddress(at.Partition)); err != nil {
			return fmt.Errorf("%w: StartAt: %v: %w", beck.ErrConfig, at, err)
		}
	}
	for _, b := range []struct {
		field         string
		is, low, high int64
	}{
		{"SaveAs", int64(len(c.SaveAs)), 0, protocol.MaxSavedName},
		{"MinStoreAcks", int64(c.MinStoreAcks), 1, maxStoreAcks},
		{"StartTimeout", int64(c.StartTimeout), int64(time.Millisecond), int64(24 * time.Hour)},
		{"Deliver", int64(c.Deliver), int64(AsReceived), int64(Stored)},
		{"MessageBytes", int64(c.MessageBytes), 1 << 10, 1 << 30},
		{"QueueBytes", c.QueueBytes, 64 << 10, 1 << 40},
		{"SkipMissingAfter", int64(c.SkipMissingAfter), 0, 1 << 62},
	} {
		if b.is < b.low || b.is > b.high {
			return &beck.SettingError{Field: b.field, Err: fmt.Errorf("%d is not between %d and %d", b.is, b.low, b.high)}
		}
	}
	if c.PositionsFile != "" && c.SaveAs == "" {
		return fmt.Errorf("%w: PositionsFile is set, and SaveAs, the name of the positions, is not", beck.ErrConfig)
	}
	return nil
}

const maxStoreAcks = 100

// intake returns how the consumer receives.
func (c Config) intake() core.IntakeConfig {
	in := core.DefaultIntakeConfig()
	in.Stored = c.Deliver == Stored
	in.QueueBytes, in.AheadBytes = c.QueueBytes, c.QueueBytes/2
	in.SkipMissingAfter = c.SkipMissingAfter
	return in
}
