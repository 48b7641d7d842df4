package blocklog

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

// frozen is a store's directory that is looked at and left as it is. It is locked,
// so that no store opens it meanwhile. Nothing is repaired, set aside or renewed;
// only what reads may be called of its log.
type frozen struct {
	*Log
	// missing says what of the commits that were on disk is not there any more, or
	// is empty.
	missing string
}

// openFrozen opens the store in dir for reading. Errors are those of [Open], and
// [ErrNotStore] if there is none. It must be closed.
func openFrozen(dir string, o Options) (_ *frozen, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler) // what is found is returned
	}
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	if err := isStore(o.FS, dir); err != nil {
		return nil, err
	}
	d, err := home.Open(dir, o.FS, storeKind)
	if err != nil {
		return nil, err
	}
	f := &frozen{Log: newLog(o, &storeHome{Dir: d, newUUID: o.NewUUID})}
	if err := f.open(); err != nil {
		return nil, errors.Join(f.blame(err), d.Close())
	}
	return f, nil
}

// isStore returns [ErrNotStore] of a directory that is none.
func isStore(files vfs.FS, dir string) error {
	if _, err := files.Stat(files.PathJoin(dir, identityName)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %q has no %s", ErrNotStore, dir, identityName)
	}
	return nil
}

func (f *frozen) open() (err error) {
	if err = f.home.read(); err != nil {
		return err
	}
	if f.watermark, err = readWatermark(f.home.Dir); err != nil {
		return err
	}
	if err = f.checkManifest(); err != nil {
		return err
	}
	o := pebbleOptions(f.opts)
	o.ReadOnly = true
	if f.db, err = openPebble(f.home.File(pebbleName), o); err != nil {
		return err
	}
	if _, err = f.storedFormat(); err == nil {
		err = f.loadStates()
	}
	if err == nil {
		f.missing, err = f.compareSeal()
	}
	if err != nil {
		return errors.Join(err, f.db.Close())
	}
	f.order = slices.SortedFunc(maps.Keys(f.parts), Partition.compare)
	return nil
}

func (f *frozen) close() error { return errors.Join(f.db.Close(), f.home.Close()) }

// readWatermark returns the watermark without a file: it cannot be set.
func readWatermark(dir *home.Dir) (*watermark, error) {
	w := &watermark{dir: dir}
	file, err := dir.FS.Open(dir.File(watermarkName))
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	w.file = file
	err = errors.Join(w.read(), file.Close())
	w.file = nil
	return w, err
}
