package sim

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is a store's: a crashable file system, of which a sync can fail.
type disk struct {
	mem     *vfs.MemFS
	fs      vfs.FS // mem, with failures
	damaged bool   // bytes were changed

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

// files returns those in which Pebble keeps records that it has sorted.
func (d *disk) files() []string {
	dir := path.Join(storeDir, "log")
	names, err := d.mem.List(dir)
	if err != nil {
		return nil
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return !strings.HasSuffix(n, ".sst") && !strings.HasSuffix(n, ".blob")
	})
	slices.Sort(names)
	for i, n := range names {
		names[i] = path.Join(dir, n)
	}
	return names
}

func (d *disk) damageable() bool { return len(d.files()) > 0 }

// damage changes a byte of a file in which records lie, as a bad block of the
// disk would. It says whether there was one.
func (d *disk) damage(w *World) (name string, ok bool) {
	names := d.files()
	if len(names) == 0 {
		return "", false
	}
	name = pick(w, names)
	if err := d.flip(w, name); err != nil {
		w.failf("damage: %v", err)
		return "", false
	}
	d.damaged = true
	return name, true
}

// flip changes one bit of a file, and has that synced.
func (d *disk) flip(w *World, name string) error {
	f, err := d.mem.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return errors.Join(err, f.Close())
	}
	var b [1]byte
	at := w.rng.Int63n(info.Size())
	if _, err := f.ReadAt(b[:], at); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	b[0] ^= 1 << w.rng.Intn(8)
	if _, err := f.WriteAt(b[:], at); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return errors.Join(f.Sync(), f.Close())
}
