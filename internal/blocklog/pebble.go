package blocklog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// pebbleFormat is the format that Pebble's files are written in. It is fixed,
// so that a directory changes with beck's format version only: raising this
// means raising [format].
const pebbleFormat = pebble.FormatValueSeparation

// tableBlock is the size of the blocks of Pebble's tables: one of ours, or many of
// a quiet partition.
const tableBlock = 32 << 10

// memTables is how many tables in memory there may be.
const memTables = 8

// pebbleOptions fits Pebble to large values that are appended, hardly ever
// deleted, and read in order.
func pebbleOptions(o Options) *pebble.Options {
	logger := pebbleLogger{o.Logger.With("part", "pebble")}
	po := &pebble.Options{
		FS:                 orderedFS{blobFS{tableFS{newWALFS(o.FS)}}},
		FormatMajorVersion: pebbleFormat,
		CacheSize:          o.CacheBytes,
		Logger:             logger,
		EventListener:      logger.events(),
		MemTableSize:       uint64(o.MemTableBytes),
		// Flushing seven while the eighth fills rides out a slow fsync.
		MemTableStopWritesThreshold: memTables,
		// Files of flushed blocks hardly overlap: compacting them early only
		// writes everything twice.
		L0CompactionThreshold:      8,
		L0CompactionFileThreshold:  256,
		L0StopWritesThreshold:      64,
		LBaseMaxBytes:              512 << 20,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 2 },
		BytesPerSync:               1 << 20,
	}
	po.TargetFileSizes[0] = 32 << 20
	for i := range po.Levels {
		po.Levels[i].BlockSize = o.tableBlock
		po.Levels[i].IndexBlockSize = 256 << 10
		po.Levels[i].Compression = compression
	}
	po.Experimental.ValueSeparationPolicy = separation
	return po
}

// compression is none: what compresses well is better compressed by its
// producer, once for the wire and all stores; here it would be tried again in
// vain. Reading needs no copy this way.
func compression() *sstable.CompressionProfile { return sstable.NoCompression }

// separation keeps blocks out of the sorted files, in files of their own that
// compaction does not copy; only small blocks stay with their keys, where
// compaction brings them together. BenchmarkCommit and BenchmarkRead were
// faster with it by a fifth and by a half. Space that is freed is reclaimed when
// it is a third of such a file.
//
// How many such files a sorted file may refer to is not limited. Compaction would
// write all blocks anew to bring those of a partition together, the more the
// fuller the store is; but a partition's are read in the order in which they were
// written, and each is a read of its own anyway.
func separation() pebble.ValueSeparationPolicy {
	return pebble.ValueSeparationPolicy{
		Enabled:               true,
		MinimumSize:           4 << 10,
		MaxBlobReferenceDepth: 1 << 20,
		RewriteMinimumAge:     5 * time.Minute,
		TargetGarbageRatio:    0.33,
	}
}

// pebbleLogger passes what Pebble says on to slog.
type pebbleLogger struct{ log *slog.Logger }

// Infof logs what Pebble does in the ordinary course, for debugging.
func (l pebbleLogger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(fmt.Sprintf(format, args...))
	}
}

// Errorf logs an error that Pebble will try to get over.
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error(fmt.Sprintf(format, args...))
}

// fatalError is what a Fatalf of Pebble panics with.
type fatalError struct{ text string }

func (e fatalError) Error() string { return e.text }

// Fatalf must not return: Pebble would go on as if nothing had happened.
// Pebble's own logger ends the process. A panic is the same where a background
// job fails to write the manifest; in a commit, which fails with no lock held,
// [Log.apply] turns it into an error.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	panic(fatalError{fmt.Sprintf(format, args...)})
}

// events returns the handlers for what is worth a line in the log. Without one
// for damaged files Pebble would call Fatalf for each.
func (l pebbleLogger) events() *pebble.EventListener {
	e := &pebble.EventListener{
		BackgroundError: func(err error) {
			l.log.Error("disk trouble in the background", "error", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.log.Error("damaged file", "path", info.Path, "error", info.Details)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.log.Warn("writes wait for the disk", "reason", info.Reason)
		},
		WriteStallEnd: func() { l.log.Info("writes go on") },
	}
	e.EnsureDefaults(l)
	return e
}

// asError returns the error of a Fatalf that is being recovered, and panics on
// with anything else.
func asError(recovered any) error {
	var fatal fatalError
	if err, ok := recovered.(error); ok && errors.As(err, &fatal) {
		return fatal
	}
	panic(fmt.Sprintf("%v\n\n%s", recovered, debug.Stack()))
}

// openPebble opens the database in dir and makes a new one if there is none.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, asError(r)
		}
	}()
	return pebble.Open(dir, o)
}
