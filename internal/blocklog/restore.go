package blocklog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

// Restore makes a store in dir, which must be empty or not be there, of a backup.
// It reads the whole backup and compares its checksums before it writes anything,
// and again while it writes. The store has a new UUID, because what its backup was
// made of may have acknowledged more under the old one, and may still be there. It
// returns what the backup says about itself, and the new UUID.
//
// With dry it only compares checksums and looks at dir; there is no UUID then.
//
// Errors: [ErrBackup], [ErrNotEmpty], [ErrFormat], ctx's, and those of the disk.
// After an error dir is empty, but for a lock file. The store's identity is written
// last: a directory that is not complete, after a crash, is not taken for a store.
// w may be nil.
func Restore(ctx context.Context, file, dir string, dry bool, o Options, w Watcher) (a *Archive, uuid string, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, "", err
	}
	r := &restorer{file: file, dir: dir, opts: o, pace: pace{ctx: ctx, watch: w}}
	if err = r.empty(); err == nil {
		a, err = r.read("verify", func(_ string, in io.Reader) error {
			_, err := io.Copy(io.Discard, in)
			return err
		})
	}
	if err == nil && !dry {
		uuid, err = r.restore()
	}
	if err != nil {
		return nil, "", fmt.Errorf("restore: %w", err)
	}
	return a, uuid, nil
}

type restorer struct {
	file, dir string
	opts      Options
	pace      pace
	home      *home.Dir
	made      []string // files and directories in it
}

// empty returns [ErrNotEmpty] if the directory holds anything.
func (r *restorer) empty() error {
	names, err := r.opts.FS.List(r.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		if name != home.LockName && name != "lost+found" {
			return fmt.Errorf("%w: %q holds %q; choose another one, or one that is not there", ErrNotEmpty, r.dir, name)
		}
	}
	return err
}

// read reads the backup, and gives each of its files to file.
func (r *restorer) read(phase string, file func(name string, in io.Reader) error) (_ *Archive, err error) {
	in, err := r.opts.FS.Open(r.file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	begin := func(a *Archive) { r.pace.phase(phase, a.Bytes) }
	a, err := readArchive(bufio.NewReaderSize(in, 1<<20), begin, func(name string, in io.Reader) error {
		return file(name, io.TeeReader(in, &r.pace))
	})
	if err != nil {
		return nil, fmt.Errorf("%q: %w", r.file, err)
	}
	return a, nil
}

// restore writes the directory.
func (r *restorer) restore() (uuid string, err error) {
	if r.home, err = home.Open(r.dir, r.opts.FS, storeKind); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.undo())
		}
		err = errors.Join(err, r.home.Close())
	}()
	if err = r.empty(); err != nil { // somebody was faster
		return "", err
	}
	if err = r.mkdir(pebbleName); err != nil {
		return "", err
	}
	if _, err = r.read("restore", r.write); err != nil {
		return "", err
	}
	if err = home.SyncDir(r.opts.FS, r.home.File(pebbleName)); err != nil {
		return "", err
	}
	h := &storeHome{Dir: r.home, newUUID: r.opts.NewUUID}
	r.made = append(r.made, identityTemp, identityName)
	err = h.renew()
	return h.UUID, err
}

func (r *restorer) mkdir(name string) error {
	r.made = append(r.made, name)
	return r.opts.FS.MkdirAll(r.home.File(name), 0o755)
}

// write writes a file of the backup durably.
func (r *restorer) write(name string, in io.Reader) error {
	out, err := r.opts.FS.Create(r.home.File(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	r.made = append(r.made, name)
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// undo removes what was written.
func (r *restorer) undo() (err error) {
	for i := len(r.made) - 1; i >= 0; i-- {
		if e := r.opts.FS.Remove(r.home.File(r.made[i])); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
