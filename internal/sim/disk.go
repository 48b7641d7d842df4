package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/beckmesh/beck/protocol"
)

// disk is a store's: a crashable file system, of which a sync can fail.
type disk struct {
	mem     *vfs.MemFS
	fs      vfs.FS // mem, with failures
	damaged bool   // a block was

	failSync atomic.Bool // the next sync of the write-ahead log
}

var errSync = errors.New("input/output error")

func newDisk(mem *vfs.MemFS) *disk {
	d := &disk{mem: mem}
	d.fs = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileSync && op.Kind != errorfs.OpFileSyncData || !strings.HasSuffix(op.Path, ".log") {
			return nil
		}
		if !d.failSync.Load() || closing() || d.size(op.Path) > smallLog {
			return nil
		}
		d.failSync.Store(false)
		return errSync
	}))
	return d
}

// smallLog is up to what size a write-ahead log is written to for commits alone:
// Pebble will not go on with another one meanwhile. It ends the process if the
// last sync of a log fails, which is safe, but would end all histories.
const smallLog = 100 << 10

// closing reports whether a log is being closed.
func closing() bool {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if strings.Contains(f.Function, "(*LogWriter).closeInternal") {
			return true
		}
		if !more {
			return false
		}
	}
}

func (d *disk) size(name string) int64 {
	info, err := d.mem.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// damage changes a bit in one of the blocks of records, as if it had gone bad on
// its way to the disk or there. The disk must not be in use. It says which block,
// or that there is none.
func (d *disk) damage(w *World) (key string, ok bool, err error) {
	dir := path.Join(storeDir, "log")
	if _, err := d.mem.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	db, err := pebble.Open(dir, &pebble.Options{FS: d.mem, Logger: silent{}})
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte("r/"), UpperBound: []byte("r0")})
	if err != nil {
		return "", false, err
	}
	var keys, blocks [][]byte
	for valid := it.First(); valid; valid = it.Next() {
		if bytes.HasPrefix(it.Key(), []byte("r/"+protocol.ReservedTopics)) {
			continue // who needs what nobody has any more waits until his time is up
		}
		keys, blocks = append(keys, bytes.Clone(it.Key())), append(blocks, bytes.Clone(it.Value()))
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil || len(keys) == 0 {
		return "", false, err
	}
	i := w.rng.Intn(len(keys))
	for w.chance(0.8) && i+1 < len(keys) && bytes.Equal(keys[i][:len(keys[i])-8], keys[i+1][:len(keys[i+1])-8]) {
		i++ // rather among the newest of the partition: its producer may have them still
	}
	block := blocks[i]
	block[w.rng.Intn(len(block))] ^= 1 << w.rng.Intn(8)
	d.damaged = true
	return fmt.Sprintf("%.60q", keys[i]), true, db.Set(keys[i], block, pebble.Sync)
}

// silent is a logger.
type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
