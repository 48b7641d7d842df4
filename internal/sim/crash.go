package sim

import (
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// crashed returns what a crash leaves of a file system, of which so many percent
// of what was not synced survive. MemFS.CrashClone chooses what that is in the
// order of a map; here it follows from the seed.
func (w *World) crashed(mem *vfs.MemFS, percent int) *vfs.MemFS {
	if percent == 0 || percent == 100 {
		return mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(0, 0))})
	}
	left, all := mem.CrashClone(vfs.CrashCloneCfg{}), mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(0, 0))})
	if err := w.survive(left, all, "", percent); err != nil {
		w.failf("crash: %v", err)
	}
	return left
}

// survive copies some of the files and blocks of a directory.
func (w *World) survive(to, from *vfs.MemFS, dir string, percent int) error {
	names, err := from.List(dir + "/")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		name = path.Join(dir, name)
		info, err := from.Stat(name)
		if err != nil {
			return err
		}
		if info.IsDir() {
			err = errors.Join(to.MkdirAll(name, 0o755), w.survive(to, from, name, percent))
		} else {
			err = w.surviveFile(to, from, name, percent)
		}
		if err != nil {
			return err
		}
	}
	d, err := to.OpenDir(dir + "/")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sector is what a disk writes at once.
const sector = 4096

func (w *World) surviveFile(to, from *vfs.MemFS, name string, percent int) error {
	newer, err := contents(from, name)
	if err != nil {
		return err
	}
	older, err := contents(to, name)
	switch missing := err != nil; {
	case missing && w.rng.Intn(100) >= percent, !missing && slices.Equal(older, newer):
		return nil
	}
	for i := 0; i < len(newer); i += sector {
		block := newer[i:min(i+sector, len(newer))]
		if w.rng.Intn(100) < percent {
			older = append(older, make([]byte, max(0, i+len(block)-len(older)))...)
			copy(older[i:], block)
		}
	}
	f, err := to.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(older)
	return errors.Join(err, f.Sync(), f.Close())
}

func contents(fs *vfs.MemFS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}
