package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/store"
)

// storeBox is a machine with a disk, on which a store runs most of the time.
type storeBox struct {
	frame
	disk  *disk
	store *store.Store
	uuid  string
	heads map[core.Partition]uint64 // the highest that were seen of this UUID
	found time.Duration             // when it found out about a bad block
}

func (w *World) newStore(name string) *storeBox {
	b := &storeBox{frame: frame{world: w, m: &machine{name: name}}, disk: newDisk(vfs.NewCrashableMem())}
	w.stores = append(w.stores, b)
	b.start()
	return b
}

// storeName returns the name of a store's machine.
func storeName(i int) string { return fmt.Sprintf("store-%d", i) }

const (
	storeDir   = "store"
	storeQueue = 1 << 20 // GatherBytes
)

// options are those of the log of a store on a disk.
func (w *World) options(fs vfs.FS) blocklog.Options {
	return blocklog.Options{
		FS: fs, NewUUID: w.newAddress, Now: func() time.Time { return w.now },
		CacheBytes: 1 << 20, MemTableBytes: 1 << 20, Logger: w.log,
	}
}

func (b *storeBox) start() {
	w := b.world
	h := w.newHost(b.m, "store")
	h.disk = func(o *blocklog.Options) {
		logger := slog.New(&findings{Handler: o.Logger.Handler(), box: b})
		*o = w.options(b.disk.fs)
		o.Logger = logger
	}
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir = h.config(), storeDir
	c.GatherBytes, c.Retain = storeQueue, b.retained()
	s, err := store.Start(c)
	if err != nil {
		w.failf("%s does not start: %v", b.m.name, err)
		return
	}
	b.host, b.store, b.found = h, s, -waits-1 // what it found as it started it knows
	h.acks = b.acknowledges
	w.tracef("%s starts as %.8s", b.m.name, s.Address())
	if s.Address() != b.uuid {
		b.uuid, b.heads = s.Address(), make(map[core.Partition]uint64)
	}
	b.checkHeads()
}

// crash ends the store and forgets what its disk had not synced; wipe forgets
// everything.
func (b *storeBox) crash(wipe bool) {
	w := b.world
	b.checkHeads()
	b.noteDurable()
	percent := pick(w, []int{0, 0, 50, 100})
	left := w.crashed(b.disk.mem, percent)
	b.host.crash()
	if err := b.store.Close(); err != nil && !errors.Is(err, blocklog.ErrSync) && !errors.Is(err, errSync) {
		w.failf("%s: close after a crash: %v", b.m.name, err)
	}
	w.tracef("%s crashes, %d%% of what was not synced survives, wiped %v", b.m.name, percent, wipe)
	if wipe {
		w.lost++
		left = vfs.NewCrashableMem()
	}
	damaged := b.disk.damaged && !wipe
	b.disk, b.host, b.store = newDisk(left), nil, nil
	b.disk.damaged = damaged
}

// state returns the heads of the store's log, as they are committed.
func (b *storeBox) state() map[core.Partition]uint64 {
	heads := make(map[core.Partition]uint64)
	for o, next := range b.store.Heads() {
		heads[core.Partition{Topic: o.Topic, Producer: o.Partition}] = next
	}
	return heads
}

// checkHeads checks that no head went back: only the loss of the disk may do
// that, and then the store has another UUID.
func (b *storeBox) checkHeads() {
	heads := b.state()
	for p, next := range b.heads {
		if heads[p] < next {
			b.world.failf("%s had %d of %v and has %d", b.m.name, next, p, heads[p])
		}
	}
	b.heads = heads
}

// waits is how long an ACK may wait to be sent, on a slow machine.
const waits = 200 * time.Millisecond

// checkDisk is how many of the ACKs are held against what a crash would leave.
const checkDisk = 0.003

// acknowledges checks that what the store acknowledges is durable: what is
// committed at least, and, of some, what a crash now would leave on the disk.
func (b *storeBox) acknowledges(p *partition, end uint64) {
	w := b.world
	if has := b.store.Heads()[beck.Offset{Topic: p.Topic, Partition: p.Producer}]; has < end {
		w.failf("%s acknowledged %d of %v and has committed %d", b.m.name, end, p, has)
		return
	}
	if w.chance(checkDisk) {
		if left := b.wouldLeave(p.Partition); left < end {
			w.failf("%s acknowledged %d of %v, a crash would leave %d", b.m.name, end, p, left)
		}
	}
	if b.disk.damaged && w.elapsed-b.found > waits && b.store.Stats().Missing > 0 {
		b.checkHoles(p, end)
	}
}

// checkHoles checks that an ACK covers nothing that is missing on the disk and
// that the producer still has. Of a bad block that nobody has read the store does
// not know; nor did it when it made an ACK that leaves a little later.
func (b *storeBox) checkHoles(p *partition, end uint64) {
	b.afterCrash(func(log *blocklog.Log) {
		for seq := p.held(b.world); seq < end; seq++ {
			has := false
			err := log.Read(blocklog.Partition(p.Partition), seq, 0, func(r blocklog.Record) bool {
				has = r.Seq == seq
				return false
			})
			if bad := new(blocklog.CorruptError); errors.As(err, &bad) {
				seq = bad.Next - 1
			} else if !has {
				b.world.failf("%s acknowledged %d of %v, lacks %d, and the producer has it", b.m.name, end, p, seq)
				return
			}
		}
	})
}

// wouldLeave returns how many records of a partition a crash now would leave.
func (b *storeBox) wouldLeave(p core.Partition) (next uint64) {
	b.world.Faults["disk looked at when an ACK left"]++
	b.afterCrash(func(log *blocklog.Log) {
		s, _ := log.State(blocklog.Partition(p))
		next = s.Next
	})
	return next
}

// lacks names what the disk does not have of what was acknowledged, "" for
// nothing.
func (b *storeBox) lacks() (missing string) {
	b.afterCrash(func(log *blocklog.Log) {
		for _, p := range b.world.model.sorted() {
			if p.reserved() {
				continue
			}
			next := uint64(0)
			err := log.Read(blocklog.Partition(p.Partition), 0, 0, func(r blocklog.Record) bool {
				if string(r.Content) != p.records[r.Seq] && !p.foreign {
					b.world.failf("%s has %v@%d as %q", b.m.name, p, r.Seq, r.Content)
				}
				if r.Seq == next {
					next++
				}
				return r.Seq < next
			})
			if next < p.acked && missing == "" {
				missing = fmt.Sprintf("has %d of %d of %v (%v)", next, p.acked, p, err)
			}
		}
	})
	return missing
}

// afterCrash opens the log that a crash now would leave.
func (b *storeBox) afterCrash(look func(*blocklog.Log)) {
	o := b.world.options(b.disk.mem.CrashClone(vfs.CrashCloneCfg{}))
	o.NewUUID = func() string { return b.uuid }
	log, err := blocklog.Open(storeDir, o)
	if err != nil {
		b.world.failf("%s: what a crash would leave does not open: %v", b.m.name, err)
		return
	}
	look(log)
	if err := log.Close(); err != nil {
		b.world.failf("%s: what a crash would leave does not close: %v", b.m.name, err)
	}
}

// findings is the logger of a store's log. It notes when a bad block is met.
type findings struct {
	slog.Handler
	box *storeBox
}

// Enabled adds errors to what is traced.
func (f *findings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError || f.Handler.Enabled(ctx, l)
}

// Handle notes the time.
func (f *findings) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "damaged block" {
		f.box.found = f.box.world.elapsed
	}
	return f.Handler.Handle(ctx, r)
}
