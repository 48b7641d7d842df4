package blocklog

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tables returns the names of a store's tables.
func tables(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pebbleName, "*.sst"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no tables in %s: %v", dir, err)
	}
	return names
}

// filesOf returns the bytes of all files below dir.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func backupOf(t *testing.T, dir, file string, o Options) *Archive {
	t.Helper()
	a, err := Backup(context.Background(), dir, file, false, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// steps notes what a Watcher is told.
type steps struct {
	phases []string
	last   uint64
}

func (s *steps) Phase(name string, _ uint64) { s.phases = append(s.phases, name) }
func (s *steps) Progress(done uint64)        { s.last = done }

// TestBackupRestore: what is restored holds the same, under another UUID, and
// keeps that; the store itself is as it was.
func TestBackupRestore(t *testing.T) {
	top := t.TempDir()
	dir, file, again := filepath.Join(top, "a"), filepath.Join(top, "a.backup"), filepath.Join(top, "b", "c")
	o := small(nil)
	l := openLog(t, dir, o)
	commitRange(t, l, alpha, 0, 5_000)
	commitRange(t, l, beta, 7, 9)
	uuid := l.UUID()
	closeLog(t, l)
	before := filesOf(t, dir)

	dry, err := Backup(context.Background(), dir, file, true, o, nil)
	if _, e := os.Stat(file); err != nil || e == nil {
		t.Fatalf("%v; a dry run wrote the file", err)
	}
	a := backupOf(t, dir, file, o)
	if a.Store != uuid || a.Records != 5_002 || a.Partitions != 2 || a.Bytes != dry.Bytes || a.Files < 4 {
		t.Errorf("%+v, dry %+v", a, dry)
	}
	if !maps.Equal(before, filesOf(t, dir)) {
		t.Error("the store was changed")
	}
	if names, _ := filepath.Glob(file + ".*"); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}

	if _, _, err := Restore(context.Background(), file, again, true, o, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(again); err == nil {
		t.Error("a dry run made the directory")
	}
	var w steps
	b, fresh, err := Restore(context.Background(), file, again, false, o, &w)
	if err != nil || *b != *a || fresh == uuid || len(fresh) != 32 {
		t.Fatalf("%+v, %s of %s, %v", b, fresh, uuid, err)
	}
	if !slices.Equal(w.phases, []string{"verify", "restore"}) || w.last != a.Bytes {
		t.Errorf("told of %v, %d bytes of %d", w.phases, w.last, a.Bytes)
	}
	wantSound(t, again, o)
	for range 2 {
		l = openLog(t, again, o)
		wantRange(t, l, alpha, 0, 0, 5_000)
		wantRange(t, l, beta, 0, 7, 9)
		if l.UUID() != fresh {
			t.Errorf("it is %s, was restored as %s", l.UUID(), fresh)
		}
		closeLog(t, l)
	}
}

// TestBackupOfCrashed: a store that was killed has its last commits in the
// write-ahead log only.
func TestBackupOfCrashed(t *testing.T) {
	live := vfs.NewCrashableMem()
	o := small(live)
	l := openLog(t, "/s", o)
	commitRange(t, l, alpha, 0, 50)
	o.FS = live.CrashClone(vfs.CrashCloneCfg{})
	closeLog(t, l)
	if a := backupOf(t, "/s", "/backup", o); a.Records != 50 {
		t.Errorf("%+v", a)
	}
	if _, _, err := Restore(context.Background(), "/backup", "/r", false, o, nil); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, "/r", o)
	wantRange(t, l, alpha, 0, 0, 50)
	closeLog(t, l)
}

func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	o, file := small(nil), filepath.Join(dir, "backup")
	store := filepath.Join(dir, "s")
	l := openLog(t, store, o)
	threeBlocks(t, l)
	refused := func(dir, file string, want error) {
		t.Helper()
		if _, err := Backup(context.Background(), dir, file, false, o, nil); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	refused(store, file, ErrInUse)
	closeLog(t, l)
	refused(filepath.Join(dir, "none"), file, ErrNotStore)
	backupOf(t, store, file, o)
	was, _ := os.ReadFile(file)
	refused(store, file, ErrExists)
	refused(store, filepath.Join(dir, "no", "such"), os.ErrNotExist)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Backup(done, store, file+"2", false, o, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if names, _ := filepath.Glob(file + "2*"); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
	if now, _ := os.ReadFile(file); !bytes.Equal(was, now) {
		t.Error("the first backup was changed")
	}
}

// TestRestoreDamaged flips or cuts off a backup in many places: nothing is written.
func TestRestoreDamaged(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	closeLog(t, l)
	a := backupOf(t, "/s", "/backup", o)
	raw, err := readFile(o.FS, "/backup")
	if err != nil {
		t.Fatal(err)
	}
	restore := func(raw []byte) (*Archive, error) {
		f, err := o.FS.Create("/damaged", vfs.WriteCategoryUnspecified)
		if err == nil {
			_, err = f.Write(bytes.Clone(raw)) // a file in memory may spoil what it is given
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		b, _, err := Restore(context.Background(), "/damaged", "/r", false, o, nil)
		if err != nil {
			if names, _ := o.FS.List("/r"); len(names) > 0 {
				t.Fatalf("%v, but it wrote %v", err, names)
			}
		} else if err := o.FS.RemoveAll("/r"); err != nil {
			t.Fatal(err)
		}
		return b, err
	}
	step := len(raw)/150 + 1
	for at := 0; at < len(raw); at += step {
		damaged := bytes.Clone(raw)
		damaged[at] ^= 1
		// The padding and the times of a tar file mean nothing: what is restored then
		// is what was backed up.
		if b, err := restore(damaged); err == nil && *b != *a {
			t.Errorf("a flip at %d of %d was not noticed", at, len(raw))
		} else if err != nil && !errors.Is(err, ErrBackup) {
			t.Errorf("flipped at %d: %v", at, err)
		}
		if at < len(raw)-2048 {
			if _, err := restore(raw[:at]); !errors.Is(err, ErrBackup) {
				t.Errorf("cut off at %d of %d: %v", at, len(raw), err)
			}
		}
	}
	if at := bytes.Index(raw, []byte("beckmark")); at < 0 {
		t.Error("no watermark in the backup")
	} else {
		raw[at] ^= 1
		if _, err := restore(raw); !errors.Is(err, ErrBackup) || !strings.Contains(err.Error(), watermarkName) {
			t.Errorf("a damaged file is not named: %v", err)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	threeBlocks(t, l)
	closeLog(t, l)
	backupOf(t, "/s", "/backup", o)
	before := listed(o, "/s")
	if _, _, err := Restore(context.Background(), "/backup", "/s", false, o, nil); !errors.Is(err, ErrNotEmpty) {
		t.Error(err)
	}
	if after := listed(o, "/s"); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
	if _, _, err := Restore(context.Background(), "/s/"+identityName, "/r", false, o, nil); !errors.Is(err, ErrBackup) {
		t.Error(err)
	}
}

// TestArchived: no name leads out of the directory.
func TestArchived(t *testing.T) {
	for name, want := range map[string]bool{
		"watermark": true, "log/000004.log": true, "log/..": false, "log/": false, "log": false, "../x": false,
		"/etc/passwd": false, "log/a/b": false, "log/../store.json": false, "store.json": false, `log/..\x`: false,
	} {
		if archived(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// listed returns the names in a directory, sorted.
func listed(o Options, dir string) []string {
	names, _ := o.FS.List(dir)
	slices.Sort(names)
	return names
}
