package producer

import (
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/mesh"
)

// Config says how a producer publishes. Begin with DefaultConfig.
type Config struct {
	beck.NodeConfig

	// MinStoreAcks is how many different stores must have a record on disk
	// before the producer forgets it. 0 waits for none: the window keeps the
	// newest records and drops the oldest. Default 1; 2 survives the loss of a
	// store's disk.
	MinStoreAcks int

	// WindowBytes bounds the memory for records that the producer keeps, over
	// all its topics, as they are encoded on the wire. Publish blocks while the
	// oldest lack their acknowledgements and there is no room. Default 64 MiB,
	// at least twice MessageBytes. A larger window rides out a longer absence
	// of the stores.
	WindowBytes int64

	// MessageBytes is the largest message: a record's value, before it is
	// compressed, its key, its headers, and up to about 600 bytes besides.
	// Default 16 MiB, which is also what a node accepts: all nodes of a mesh
	// need the same.
	MessageBytes int

	// Timestamps gives each record the time at which Publish was called, to the
	// millisecond, unless it has a Time of its own; the records of one
	// PublishBatch share theirs. Default true. Without it a record carries only
	// a time of its own, and is 10 bytes shorter.
	Timestamps bool

	// Checksums gives each record a CRC32C of its key, headers and content, by
	// which stores and consumers notice a record that was damaged on its way and
	// fetch it again. Default true. Without it a record is 6 bytes shorter.
	Checksums bool

	// Compression says how values are compressed, each by itself. Those shorter
	// than 64 bytes and those that do not get shorter go as they are. Consumers
	// need no setting, but a C node gets the compressed content. Default None.
	// With it PublishBatch takes the lock for 256 records at a time, so that those
	// of other calls may come in between.
	Compression Compression

	// Journal is a directory that keeps the window on disk. Records are synced
	// there before they leave the machine; a producer started on it again, after
	// a crash too, has the same address, the next offset, and publishes what
	// lacks its acknowledgements. A directory that another producer uses is
	// ErrInUse; a copied one gets a new address, and its records are set aside.
	// Default none: what no store has is gone if the process ends.
	Journal string

	// HeadDelay is how long after a record the HEAD follows that lets others
	// notice if it was lost. Default 20 ms.
	HeadDelay time.Duration

	// HeadInterval is the time between HEADs; it doubles up to 10 s while
	// nothing is new and everything is acknowledged. Default 1 s.
	HeadInterval time.Duration

	// OnAck is told of what stores have on disk. It is a hook: see [beck.Peer]; an
	// acknowledgement may stand for several that came meanwhile. Default: none.
	OnAck func(Ack)

	// OnDrop is told of records that left the window before a slow node had them:
	// it fetches them from a store. It is a hook. Default: none.
	OnDrop func(Drop)

	// Linger is how long Close waits for the links to take what was published,
	// where no store has it yet. Default 5 s.
	Linger time.Duration
}

const (
	headMax        = 10 * time.Second
	maxStoreAcks   = 100
	minMessage     = 1 << 10
	maxMessage     = 1 << 30
	defaultWindow  = 64 << 20
	defaultLinger  = 5 * time.Second
	defaultDelay   = 20 * time.Millisecond
	defaultHeads   = time.Second
	windowMessages = 2
)

// DefaultConfig returns the settings of a producer beside a local tower.
func DefaultConfig() Config {
	return Config{
		NodeConfig: beck.DefaultNodeConfig(), MinStoreAcks: 1,
		WindowBytes: defaultWindow, MessageBytes: mesh.DefaultMessageBytes,
		Timestamps: true, Checksums: true,
		HeadDelay: defaultDelay, HeadInterval: defaultHeads, Linger: defaultLinger,
	}
}

func (c Config) validate() error {
	if err := c.NodeConfig.WithDefaults().Validate(); err != nil {
		return err
	}
	for _, b := range []struct {
		field         string
		is, low, high int64
	}{
		{"MinStoreAcks", int64(c.MinStoreAcks), 0, maxStoreAcks},
		{"MessageBytes", int64(c.MessageBytes), minMessage, maxMessage},
		{"Compression", int64(c.Compression), int64(None), int64(S2)},
		{"WindowBytes", c.WindowBytes, windowMessages * int64(c.MessageBytes), 1 << 40},
		{"HeadDelay", int64(c.HeadDelay), int64(time.Millisecond), int64(headMax)},
		{"HeadInterval", int64(c.HeadInterval), int64(time.Millisecond), int64(headMax)},
		{"Linger", int64(c.Linger), 0, int64(time.Hour)},
	} {
		if b.is < b.low || b.is > b.high {
			return &beck.SettingError{Field: b.field, Err: fmt.Errorf("%d is not between %d and %d", b.is, b.low, b.high)}
		}
	}
	return nil
}
