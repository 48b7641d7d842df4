package blocklog

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Log is the open log of a store. Its methods may be called from any
// goroutine, except that batches are committed by one at a time.
type Log struct {
	opts Options
	home *storeHome
	db   *pebble.DB // nil after a failed Reopen

	life    sync.Mutex   // held by Reopen and Close
	mu      sync.RWMutex // guards the following; never held over I/O
	parts   map[Partition]*part
	order   []Partition // of parts, sorted; replaced, never changed
	failure error       // why nothing can be committed any more
	paused  bool        // the database is being opened again
	closed  bool
	damage  map[Partition][]*CorruptError // met in files, not in quarantine
	damaged int                           // how many in all
	passed  map[place]int                 // how often it was found that there is none
	// suspects are files that Inspect has to look at.
	suspects []suspect
	touched  []Partition // changed since the last Enforce
	small    []Partition // worth merging
	held     uint64      // State.Bytes of all partitions
	// conflicts are the marks of those partitions that have some.
	conflicts map[Partition]marks

	running sync.WaitGroup // calls that use db
	spare   sync.Pool      // of *spare
	// writing lets one goroutine write to db at a time: a write that follows a
	// failed one would make Pebble panic with its locks held. Whoever holds it
	// knows that no partition changes.
	writing   sync.Mutex
	seal      seal       // of the last commit; guarded by writing
	least     uint64     // commits that were confirmed before it was opened again
	watermark *watermark // guarded by writing

	retention   retention
	reclaimer   reclaimer
	checkpoints checkpoints

	disk      *fullFS
	abandoned chan struct{} // closed when Close gives up on a full disk
}

// part is what is known of a partition in memory.
type part struct {
	state
	hash uint64 // of the state as it is stored
	// changes counts what happened other than appending: trims, fills, merges
	// and quarantines. What was read of the blocks still holds if it is the same.
	changes uint64
	// filling are ranges that a batch is about to fill: readers leave them out
	// until they are on disk.
	filling []Range
	holes   *holes // found last, nil: unknown
	due     int64  // when Enforce has to look again, ms; 0: not for its age
	dead    uint64 // bytes of blocks below the tail that were not deleted yet
	merged  uint64 // blocks left by the last merge
	touched bool   // in Log.touched
	small   bool   // in Log.small
}

// Range are the sequences from First on below Next.
type Range struct{ First, Next uint64 }

// Open opens the store in dir, and makes one if dir does not exist or is empty.
// It returns [ErrInUse], [ErrNotStore] or [ErrFormat] in an error that names
// dir, and bounds of o in any other. The log must be closed.
func Open(dir string, o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	h, err := openHome(dir, o)
	if err != nil {
		return nil, fmt.Errorf("blocklog: open: %w", err)
	}
	if err := h.dropCheckpoints(); err != nil {
		o.Logger.Warn("what a backup left cannot be removed", "dir", h.File(checkpointsName), "error", err)
	}
	l := newLog(o, h)
	l.abandoned, l.disk = make(chan struct{}), newFullFS(o)
	l.disk.optional = o.FS.PathJoin(h.Path, checkpointsName)
	l.opts.FS = l.disk
	if err := l.openInTime(); err != nil {
		return nil, fmt.Errorf("blocklog: open %q: %w", h.Path, err)
	}
	return l, nil
}

// newLog returns a log of which nothing is known and no file is open.
func newLog(o Options, h *storeHome) *Log {
	return &Log{opts: o, home: h, parts: map[Partition]*part{}, damage: map[Partition][]*CorruptError{}, passed: map[place]int{},
		conflicts: map[Partition]marks{}, reclaimer: newReclaimer()}
}

// openInTime opens the log, or fails because the disk is full: opening writes.
// What was begun goes on then until there is room, and is undone.
func (l *Log) openInTime() error {
	done := make(chan error, 1)
	go func() { done <- l.open() }()
	if err, ok := l.disk.orGiveUp(done); ok && err != nil {
		return errors.Join(err, l.home.Close())
	} else if ok {
		return nil
	}
	go func() {
		if err := <-done; err == nil {
			err = l.closeFiles()
			l.opts.Logger.Info("closed what could not be opened in time", "error", err)
		}
		_ = l.home.Close() // nothing depends on it
	}()
	return fmt.Errorf("%w; make room and open it again", ErrFull)
}

// open opens the database and loads the states; on error it is closed again.
func (l *Log) open() error {
	err := l.openFiles()
	if err != nil {
		return l.blame(err)
	}
	l.order, l.held = slices.SortedFunc(maps.Keys(l.parts), Partition.compare), 0
	for p, q := range l.parts {
		l.held += q.Bytes
		l.touch(p, q)
	}
	l.keepWatermark(l.opts.Now())
	return nil
}

func (l *Log) openFiles() (err error) {
	if l.watermark, err = openWatermark(l.home.Dir); err != nil {
		return err
	}
	if err = l.checkManifest(); err == nil {
		o := pebbleOptions(l.opts)
		tell := o.EventListener.BackgroundError
		o.EventListener.BackgroundError = func(err error) {
			tell(err)
			l.suspect(err)
		}
		l.db, err = openPebble(l.home.File(pebbleName), o)
	}
	if err != nil {
		return errors.Join(err, l.watermark.close())
	}
	err = l.checkFormat()
	if err == nil {
		err = l.load()
	}
	if err != nil {
		err = errors.Join(err, l.closeFiles())
	}
	return err
}

// checkFormat compares the format in the database, and marks a new one. If the
// database is new but the directory is not, its content was removed: what the
// store acknowledged under its UUID is gone, and the UUID goes with it.
func (l *Log) checkFormat() error {
	found, err := l.storedFormat()
	if err == nil && found == 0 {
		return l.markFormat()
	}
	return err
}

// storedFormat returns the format in the database, 0 if it is new.
func (l *Log) storedFormat() (found int, err error) {
	raw, closer, err := l.db.Get(formatKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("format version: %w", err)
	}
	found, err = strconv.Atoi(string(raw))
	if err = errors.Join(err, closer.Close()); err != nil {
		return 0, fmt.Errorf("format version: %w", err)
	}
	if found > format {
		return found, newerFormat(l.home.Path, found)
	}
	return found, nil
}

func (l *Log) markFormat() error {
	if !l.home.fresh {
		if err := l.home.renew(); err != nil {
			return err
		}
	}
	b := l.db.NewBatch()
	if err := b.Set(formatKey, strconv.AppendInt(nil, format, 10), nil); err != nil {
		return errors.Join(err, b.Close())
	}
	return l.write(b)
}

// UUID returns the store's address, 32 upper-case hex characters. It is made
// with the directory; a directory that was copied, restored or emptied has a
// new one when it is opened.
func (l *Log) UUID() string { return l.home.UUID }

// NewBuilder returns an empty builder for blocks of the log's block size.
func (l *Log) NewBuilder() *Builder { return NewBuilder(l.opts.BlockBytes) }

// State returns the committed state of a partition; false if it was never
// written to.
func (l *Log) State(p Partition) (State, bool) {
	s, ok := l.state(p)
	return s.State, ok
}

func (l *Log) state(p Partition) (state, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if q, ok := l.parts[p]; ok {
		return q.state, true
	}
	return state{}, false
}

// look returns the state of a partition and how often it was changed.
func (l *Log) look(p Partition) (s state, changes uint64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if q, ok := l.parts[p]; ok {
		return q.state, q.changes, true
	}
	return state{}, 0, false
}

// Partitions yields all partitions with their states, sorted by topic and
// producer. Those that are new meanwhile are left out.
func (l *Log) Partitions() iter.Seq2[Partition, State] { return l.PartitionsAfter(Partition{}) }

// PartitionsAfter yields those partitions that sort behind p, so that a long
// list can be given in pieces.
func (l *Log) PartitionsAfter(p Partition) iter.Seq2[Partition, State] {
	return func(yield func(Partition, State) bool) {
		l.mu.RLock()
		order := l.order
		l.mu.RUnlock()
		i, found := slices.BinarySearchFunc(order, p, Partition.compare)
		if found {
			i++
		}
		for _, q := range order[i:] {
			if s, ok := l.state(q); ok && !yield(q, s.State) {
				return
			}
		}
	}
}

// arrange sorts the names of new partitions in and leaves those out that are
// gone. It needs mu.
func (l *Log) arrange(fresh, gone []Partition) {
	if len(fresh) > 0 {
		l.order = slices.Concat(l.order, fresh)
		slices.SortFunc(l.order, Partition.compare)
	}
	if len(gone) > 0 {
		l.order = slices.DeleteFunc(slices.Clone(l.order), func(p Partition) bool { return l.parts[p] == nil })
	}
}

// DiskBytes returns what the log takes on disk, write-ahead log and files that
// wait to be removed included; 0 after Close.
func (l *Log) DiskBytes() uint64 {
	if l.enter() != nil {
		return 0
	}
	defer l.leave()
	return l.db.Metrics().DiskSpaceUsage()
}

// Room returns how many bytes are left on the disk that has the log, and how
// many it has in all; zeros if that cannot be told.
func (l *Log) Room() (free, size uint64) {
	u, err := l.opts.FS.GetDiskUsage(l.home.Path)
	if err != nil {
		return 0, 0
	}
	return u.AvailBytes, u.TotalBytes
}

// Close waits for calls that are under way, closes the files and releases the
// directory. It returns an error if something could not be written back; what
// was committed is on disk in any case. Further calls do nothing.
//
// If the disk is full for some seconds meanwhile, Close returns [ErrFull], and so
// do calls that wait for room. The files stay open then until there is room or
// the process ends.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.reclaimer.stop()
	l.mu.Unlock()
	l.disk.close()
	done := make(chan error, 1)
	go func() {
		l.life.Lock()
		defer l.life.Unlock()
		l.running.Wait()
		done <- errors.Join(l.finish(), l.home.Close())
	}()
	err, ok := l.disk.orGiveUp(done)
	if !ok {
		close(l.abandoned)
		err = fmt.Errorf("%w; what was committed is in %q", ErrFull, l.home.Path)
	}
	if err != nil {
		return fmt.Errorf("blocklog: close: %w", err)
	}
	return nil
}

// finish closes the files, unless a failed Reopen did.
func (l *Log) finish() error {
	if l.db == nil {
		return nil
	}
	l.keepWatermark(time.Time{})
	return errors.Join(l.closeFiles(), l.home.dropCheckpoints())
}

func (l *Log) closeFiles() error { return errors.Join(l.db.Close(), l.watermark.close()) }

// enter announces a use of the database; leave must follow if it returns nil.
func (l *Log) enter() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return fmt.Errorf("blocklog: %w", ErrClosed)
	}
	if l.paused {
		return fmt.Errorf("blocklog: %w", ErrReopening)
	}
	l.running.Add(1)
	return nil
}

func (l *Log) leave() { l.running.Done() }
