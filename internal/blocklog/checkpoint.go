package blocklog

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

// checkpointsName is the directory of the checkpoints that are held.
const checkpointsName = "checkpoints"

// checkpointRoom is what has to be left on the disk beside what a checkpoint takes,
// so that it is not what fills it up.
const checkpointRoom = 16 << 20

// Checkpoint is what a log held at a time, as a store's directory of its own, which
// no store has open: [Backup], [Verify], [Summarize] and [PlanPurge] can be given
// it. Its files are those of the log itself, linked, but for the end of the
// write-ahead log, which is copied. While it is held, what the log drops of these
// files takes its space on disk.
type Checkpoint struct {
	// Dir is the directory: "checkpoints/N" in that of the log.
	Dir string

	log  *Log
	once sync.Once
	err  error
}

// checkpoints numbers them.
type checkpoints struct {
	sync.Mutex
	last int
}

// Checkpoint makes a checkpoint, which must be closed. All that was committed
// before is in it. Commits and reading go on meanwhile. Closing the log, and opening
// the directory again after a crash, removes what is held. If there is too little
// room on the disk, it is [ErrFull].
func (l *Log) Checkpoint() (*Checkpoint, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.leave()
	l.checkpoints.Lock()
	defer l.checkpoints.Unlock()
	if err := l.roomForCheckpoint(); err != nil {
		return nil, fmt.Errorf("blocklog: checkpoint: %w", err)
	}
	l.checkpoints.last++
	top := l.home.File(checkpointsName)
	c := &Checkpoint{Dir: l.opts.FS.PathJoin(top, strconv.Itoa(l.checkpoints.last)), log: l}
	if err := c.make(top); err != nil {
		return nil, fmt.Errorf("blocklog: checkpoint: %w", errors.Join(err, c.Close()))
	}
	return c, nil
}

// roomForCheckpoint looks whether the part of the write-ahead log that is not in
// tables yet can be copied.
func (l *Log) roomForCheckpoint() error {
	free, size := l.Room()
	need := l.db.Metrics().WAL.Size + checkpointRoom
	if size > 0 && free < need || l.disk.fullFor() > 0 {
		return fmt.Errorf("%w: it has %d bytes left, and a checkpoint wants %d", ErrFull, free, need)
	}
	return nil
}

// make writes the directory. Nobody else may look into the one above: some of its
// files are of a moment ago, and of nobody's concern.
func (c *Checkpoint) make(top string) error {
	files := c.log.opts.FS
	if err := files.MkdirAll(top, 0o700); err != nil {
		return err
	}
	if err := files.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	identity, err := readFile(files, c.log.home.File(identityName))
	if err == nil {
		err = writeFile(files, files.PathJoin(c.Dir, identityName), identity)
	}
	if err == nil {
		err = c.copyWatermark()
	}
	if err == nil { // what is committed is synced: nothing has to be flushed
		err = c.log.db.Checkpoint(files.PathJoin(c.Dir, pebbleName))
	}
	return err
}

// copyWatermark notes how many commits there are at least. It comes before the
// files that have them: a watermark may lag, but not lead.
func (c *Checkpoint) copyWatermark() error {
	now, err := readWatermark(c.log.home.Dir)
	if err != nil || now.commits == 0 {
		return err
	}
	w := &watermark{dir: &home.Dir{FS: c.log.home.FS, Path: c.Dir}}
	if err := w.set(now.commits, time.Time{}); err != nil {
		return err
	}
	return w.close()
}

func writeFile(files vfs.FS, name string, raw []byte) error {
	f, err := files.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Close())
}

// Close removes the checkpoint. Further calls return the same.
func (c *Checkpoint) Close() error {
	c.once.Do(func() { c.err = c.log.opts.FS.RemoveAll(c.Dir) })
	return c.err
}

// dropCheckpoints removes those that are held, or that a crash left.
func (h *storeHome) dropCheckpoints() error { return h.FS.RemoveAll(h.File(checkpointsName)) }
