package blocklog

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/beckmesh/beck/protocol"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// DefaultBlockBytes is the default of [Options.BlockBytes].
	DefaultBlockBytes = 64 << 10
	// MaxRecord is the limit of one record, content and trailer, in bytes.
	MaxRecord = 1 << 30
	// MaxBatch is the limit of one [Batch] in encoded bytes. Batches of 1 to
	// 4 MiB are already as fast as the disk; the limit only keeps clear of
	// Pebble's own (4 GiB), beyond which it panics.
	MaxBatch = 2 << 30
)

// Options are the settings of a [Log]. The zero value is good for a store.
type Options struct {
	// FS is the file system. Default: the operating system's. Tests pass a
	// crashable one.
	FS vfs.FS
	// BlockBytes is the size from which on [Log.NewBuilder] begins another
	// block, 1 KiB to 16 MiB. Default 64 KiB. Larger blocks write slightly
	// faster; smaller ones make reading single records cheaper, because a block
	// is checked as a whole. A record larger than this has a block of its own.
	BlockBytes int
	// CacheBytes is the memory for blocks read from disk, 1 MiB to 1 TiB.
	// Default 32 MiB. More helps when many consumers replay the same range.
	CacheBytes int64
	// MemTableBytes is what is gathered in memory before it goes to a sorted
	// file, 1 MiB to 1 GiB. Default 16 MiB; up to eight of them may be waiting.
	// More makes fewer and larger files; less saves memory on small machines and,
	// below 8 MiB, costs processor time.
	MemTableBytes int
	// TombstoneAge is how long [Log.Enforce] keeps the state of a partition that
	// retention or a purge emptied, 1 s to 10 years. Default 30 days. It should be
	// longer than any store stays away, so that one that returns learns what was
	// purged; each costs about 150 bytes.
	TombstoneAge time.Duration
	// OnFull is called with true when writing has to wait because the disk is
	// full, and with false when it goes on; calls follow one another, and must
	// return at once. Default: none. [Options.Logger] is told in any case.
	OnFull func(full bool)
	// Logger gets repairs, quarantines and disk trouble. Default: slog.Default.
	Logger *slog.Logger
	// Now stamps blocks and states. Default time.Now.
	Now func() time.Time
	// NewUUID makes the address of a new store. Default protocol.NewAddress.
	NewUUID func() string

	fullGrace  time.Duration // for tests that cannot wait that long
	tableBlock int           // for tests that damage tables: Pebble takes seconds for each large block
}

// withDefaults returns o with every unset field set, or an error that names
// the field that is out of bounds.
func (o Options) withDefaults() (Options, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.BlockBytes == 0 {
		o.BlockBytes = DefaultBlockBytes
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 32 << 20
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 16 << 20
	}
	if o.TombstoneAge == 0 {
		o.TombstoneAge = 30 * 24 * time.Hour
	}
	if o.OnFull == nil {
		o.OnFull = func(bool) {}
	}
	if o.fullGrace == 0 {
		o.fullGrace = fullGrace
	}
	if o.tableBlock == 0 {
		o.tableBlock = tableBlock
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewUUID == nil {
		o.NewUUID = protocol.NewAddress
	}
	return o, o.validate()
}

func (o Options) validate() error {
	for _, b := range []struct {
		name            string
		value, min, max int64
	}{
		{"BlockBytes", int64(o.BlockBytes), 1 << 10, 16 << 20},
		{"CacheBytes", o.CacheBytes, 1 << 20, 1 << 40},
		{"MemTableBytes", int64(o.MemTableBytes), 1 << 20, 1 << 30},
		{"TombstoneAge", int64(o.TombstoneAge), int64(time.Second), int64(10 * 366 * 24 * time.Hour)},
	} {
		if b.value < b.min || b.value > b.max {
			return fmt.Errorf("blocklog: %s is %d, must be %d to %d", b.name, b.value, b.min, b.max)
		}
	}
	return nil
}
