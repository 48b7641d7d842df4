package sim

import (
	"errors"
	"hash/fnv"
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
	c := crash{to: left, from: all, percent: percent, seed: w.rng.Uint64()}
	if err := c.directory(""); err != nil {
		w.failf("crash: %v", err)
	}
	return left
}

// crash decides what survives. What it decides of a file does not depend on what
// other files there are: Pebble's goroutines may be about to make and remove some.
type crash struct {
	to, from *vfs.MemFS
	percent  int
	seed     uint64
}

// directory copies some of the files and blocks of a directory.
func (c *crash) directory(dir string) error {
	names, err := c.from.List(dir + "/")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		name = path.Join(dir, name)
		info, err := c.from.Stat(name)
		if err != nil {
			return err
		}
		if info.IsDir() {
			err = errors.Join(c.to.MkdirAll(name, 0o755), c.directory(name))
		} else {
			err = c.file(name)
		}
		if err != nil {
			return err
		}
	}
	d, err := c.to.OpenDir(dir + "/")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sector is what a disk writes at once.
const sector = 4096

func (c *crash) file(name string) error {
	newer, err := contents(c.from, name)
	if err != nil {
		return err
	}
	h := fnv.New64()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(c.seed, h.Sum64()))
	older, err := contents(c.to, name)
	switch missing := err != nil; {
	case missing && rng.IntN(100) >= c.percent, !missing && slices.Equal(older, newer):
		return nil
	}
	for i := 0; i < len(newer); i += sector {
		block := newer[i:min(i+sector, len(newer))]
		if rng.IntN(100) < c.percent {
			older = append(older, make([]byte, max(0, i+len(block)-len(older)))...)
			copy(older[i:], block)
		}
	}
	f, err := c.to.Create(name, vfs.WriteCategoryUnspecified)
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
