package blocklog

import (
	"context"
	"sync"
	"sync/atomic"
)

// reclaimer gives the space of what was deleted back to the disk. A range
// deletion alone frees nothing: it waits in memory until the tables are written,
// and takes effect where they are compacted, which in a quiet store is never.
type reclaimer struct {
	running *sync.Mutex
	freed   *atomic.Uint64 // bytes of blocks deleted since the last run
	ctx     context.Context
	stop    context.CancelFunc
}

func newReclaimer() reclaimer {
	ctx, stop := context.WithCancel(context.Background())
	return reclaimer{running: new(sync.Mutex), freed: new(atomic.Uint64), ctx: ctx, stop: stop}
}

// tableBytes returns what is on disk without the write-ahead log, which keeps
// up to nine times [Options.MemTableBytes] to be used again.
func (l *Log) tableBytes() uint64 {
	m := l.db.Metrics()
	wal := m.WAL.PhysicalSize + m.WAL.ObsoletePhysicalSize
	return m.DiskSpaceUsage() - min(wal, m.DiskSpaceUsage())
}

// reclaim notes that blocks of so many bytes were deleted. When they take
// half as much again as what is held, the tables are written and compacted in
// the background. Large blocks are not in the tables: compaction does not copy
// them, it only finds out which of their files are garbage.
func (l *Log) reclaim(swept uint64) {
	if swept == 0 {
		return
	}
	l.mu.RLock()
	held := l.held
	l.mu.RUnlock()
	slack := uint64(l.opts.MemTableBytes)
	freed := l.reclaimer.freed.Add(swept)
	if freed < max(held/16, slack/4) || l.tableBytes() < held+held/2+slack {
		return
	}
	if !l.reclaimer.running.TryLock() {
		return
	}
	l.reclaimer.freed.Store(0)
	l.running.Add(1)
	go func() {
		defer l.running.Done()
		defer l.reclaimer.running.Unlock()
		lower, upper := blocks.bounds()
		if err := l.db.Compact(l.reclaimer.ctx, lower, upper, false); err != nil && l.reclaimer.ctx.Err() == nil {
			l.opts.Logger.Error("space cannot be given back", "error", err)
		}
	}()
}
