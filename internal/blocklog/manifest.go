package blocklog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const manifestMarker = markerPrefix + "manifest."

// checkManifest refuses a database whose manifest, the list of its files, is
// damaged so that commits are missing. Pebble would read it up to there, and
// remove the files that it does not know of then, though there is nothing wrong
// with them.
func (l *Log) checkManifest() error {
	dir := l.home.File(pebbleName)
	name, err := currentManifest(l.home.FS, dir)
	if err != nil || name == "" {
		return err
	}
	path := l.home.FS.PathJoin(dir, name)
	cut, err := endsEarly(l.home.FS, path)
	if err != nil || cut == nil { // Pebble will say what is wrong with it
		return nil
	}
	missing, err := l.probe()
	if err != nil {
		return fmt.Errorf("file %q: %v: %w", path, cut, err)
	}
	if missing != "" {
		return fmt.Errorf("file %q is damaged: %w: %s; restore the file, or remove %q to have the store begin anew",
			path, cut, missing, dir)
	}
	return nil
}

// currentManifest returns the file that the newest marker names, "" if there is
// none.
func currentManifest(files vfs.FS, dir string) (name string, err error) {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	newest := ""
	for _, n := range names {
		rest, ok := strings.CutPrefix(n, manifestMarker)
		if number, file, found := strings.Cut(rest, "."); ok && found && number > newest {
			newest, name = number, file
		}
	}
	return name, err
}

// endsEarly returns why a manifest cannot be read up to its end, nil if it can.
func endsEarly(files vfs.FS, path string) (cause, err error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for in := record.NewReader(f, 0); ; {
		r, err := in.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
	}
}

// probe opens the database without changing anything, and returns what of it is
// missing.
func (l *Log) probe() (missing string, err error) {
	o := pebbleOptions(l.opts)
	o.ReadOnly = true
	p := newLog(l.opts, l.home)
	p.watermark = l.watermark
	if p.db, err = openPebble(l.home.File(pebbleName), o); err != nil {
		return "", err
	}
	if err = p.loadStates(); err == nil {
		missing, err = p.compareSeal()
	}
	return missing, errors.Join(err, p.db.Close())
}
