package blocklog

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

// backupTemp is what the name of a backup ends in until it is complete.
const backupTemp = ".tmp"

// backupBuffer is how much of a backup is written at once.
const backupBuffer = 1 << 20

// Backup writes the store in dir, which no store may have open, to a file, with a
// checksum of each of the store's files, and changes nothing in dir. The file has
// its name when it is complete and on disk; before it is called the same with
// ".tmp", and removed after an error. It returns what it wrote.
//
// With dry nothing is written: what would be is returned.
//
// Errors: those of opening dir ([ErrInUse], [ErrNotStore], [ErrFormat], damage that
// would keep a store from starting), [ErrExists], ctx's, and those of the disk.
// Blocks are copied as they are: [Verify] tells whether they are sound. w may be nil.
func Backup(ctx context.Context, dir, file string, dry bool, o Options, w Watcher) (*Archive, error) {
	if err := vacant(o, file); err != nil {
		return nil, fmt.Errorf("backup of %q: %w", dir, err)
	}
	return runBackup(ctx, dir, o, w, func(b *backup) error {
		if dry {
			return nil
		}
		return b.write(file)
	})
}

// vacant refuses to replace a file.
func vacant(o Options, file string) error {
	if o, err := o.withDefaults(); err != nil {
		return err
	} else if _, err = o.FS.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return fmt.Errorf("%w: %q; choose another name, or remove it", ErrExists, file)
}

// BackupTo is Backup that writes to out. What was written is a backup only if there is
// no error.
func BackupTo(ctx context.Context, dir string, out io.Writer, o Options, w Watcher) (*Archive, error) {
	return runBackup(ctx, dir, o, w, func(b *backup) error {
		buffered := bufio.NewWriterSize(out, backupBuffer)
		err := b.copy(buffered)
		if err == nil {
			err = buffered.Flush()
		}
		return err
	})
}

// runBackup opens dir and does what a backup of it needs.
func runBackup(ctx context.Context, dir string, o Options, w Watcher, do func(*backup) error) (_ *Archive, err error) {
	f, err := openFrozen(dir, o)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.close()) }()
	b := &backup{frozen: f, pace: pace{ctx: ctx, watch: w}}
	if err = b.list(); err == nil {
		err = do(b)
	}
	if err != nil {
		return nil, fmt.Errorf("backup of %q: %w", dir, err)
	}
	return &b.Archive, nil
}

type backup struct {
	Archive
	*frozen
	pace  pace
	names []string // relative to the directory
	sizes []int64
}

// list finds out what there is to be copied.
func (b *backup) list() error {
	b.Archive = Archive{Format: archiveFormat, Store: b.home.UUID, Made: b.opts.Now().UTC(), Partitions: len(b.parts)}
	for _, q := range b.parts {
		b.Records += q.Records
	}
	inside, err := b.opts.FS.List(b.home.File(pebbleName))
	if err != nil {
		return err
	}
	slices.Sort(inside)
	names := []string{watermarkName}
	for _, name := range inside {
		if name != home.LockName {
			names = append(names, pebbleName+"/"+name)
		}
	}
	for _, name := range names {
		info, err := b.opts.FS.Stat(b.home.File(name))
		if errors.Is(err, fs.ErrNotExist) && name == watermarkName {
			continue // of an older version
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || !archived(name) {
			return fmt.Errorf("%q is not a file of a store", b.home.File(name))
		}
		b.names, b.sizes = append(b.names, name), append(b.sizes, info.Size())
		b.Bytes += uint64(info.Size())
	}
	b.Files = len(b.names)
	return nil
}

// write writes the file under another name, syncs it, and gives it its own.
func (b *backup) write(file string) (err error) {
	temp := file + backupTemp
	out, err := b.opts.FS.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.opts.FS.Remove(temp))
		}
	}()
	w := bufio.NewWriterSize(out, backupBuffer)
	if err = b.copy(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err = b.opts.FS.Rename(temp, file); err != nil {
		return err
	}
	if err := home.SyncDir(b.opts.FS, b.opts.FS.PathDir(file)); err != nil {
		return fmt.Errorf("the backup is complete, but may be gone after a crash: %w", err)
	}
	return nil
}

func (b *backup) copy(out io.Writer) error {
	w := &archiveWriter{tar: tar.NewWriter(out), made: b.Made}
	b.pace.phase("backup", b.Bytes)
	if err := w.head(&b.Archive); err != nil {
		return err
	}
	for i, name := range b.names {
		if err := b.add(w, name, b.sizes[i]); err != nil {
			return err
		}
	}
	return w.finish()
}

func (b *backup) add(w *archiveWriter, name string, size int64) error {
	in, err := b.opts.FS.Open(b.home.File(name))
	if err != nil {
		return err
	}
	return errors.Join(w.add(name, size, io.TeeReader(in, &b.pace)), in.Close())
}
