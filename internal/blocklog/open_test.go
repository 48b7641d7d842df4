package blocklog

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beckmesh/beck/protocol"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// wantRefused fails unless opening dir gives want, in an error that names dir
// and contains hint.
func wantRefused(t *testing.T, dir string, o Options, want error, hint string) {
	t.Helper()
	l, err := Open(dir, o)
	if err == nil {
		closeLog(t, l)
		t.Fatalf("%q was opened", dir)
	}
	if want != nil && !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	for _, part := range []string{dir, hint} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
}

func TestOpenInUse(t *testing.T) {
	for name, c := range map[string]struct {
		dir string
		o   Options
	}{
		"disk":   {t.TempDir(), small(nil)},
		"memory": {"/store", small(vfs.NewMem())},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLog(t, c.dir, c.o)
			wantRefused(t, c.dir, c.o, ErrInUse, "another store uses")
			commitRange(t, l, alpha, 0, 5) // the first one is unharmed
			closeLog(t, l)
			l = openLog(t, c.dir, c.o)
			wantRange(t, l, alpha, 0, 0, 5)
			closeLog(t, l)
		})
	}
}

func TestOpenInUseByOtherName(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small(nil))
	defer closeLog(t, l)
	t.Chdir(dir)
	if _, err := Open(".", small(nil)); !errors.Is(err, ErrInUse) {
		t.Fatal(err)
	}
}

func TestOpenNotStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, dir, small(nil), ErrNotStore, "letter.txt")
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("a foreign directory was written to: %v", names)
	}
	wantRefused(t, filepath.Join(dir, "letter.txt"), small(nil), nil, "directory")
	if _, err := Open("", small(nil)); err == nil {
		t.Error("opened without a directory")
	}
}

func TestOpenNewDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(dir, "a", "b", "c")} {
		l := openLog(t, d, small(nil))
		if err := protocol.ValidAddress(l.UUID()); err != nil {
			t.Errorf("uuid %q: %v", l.UUID(), err)
		}
		closeLog(t, l)
	}
}

func TestOpenNewerFormat(t *testing.T) {
	o := small(vfs.NewMem())
	dir := "/store"
	fresh := func() (*Log, string) {
		dir += "x"
		return openLog(t, dir, o), dir
	}

	l, dir1 := fresh()
	closeLog(t, l)
	writeIdentity(t, o.FS, dir1, func(id *identity) { id.Format = format + 1 })
	wantRefused(t, dir1, o, ErrFormat, "format 2, this version reads up to 1")

	for name, set := range map[string]func(l *Log) error{
		"database": func(l *Log) error { return l.db.Set(formatKey, []byte("2"), pebble.Sync) },
		"state": func(l *Log) error {
			return l.db.Set(states.appendPrefix(nil, alpha), []byte("\x81\xa1v\x03"), pebble.Sync)
		},
		"block": func(l *Log) error {
			raw := reseal(encodeBlock(t, 1, 3), func(b []byte) { b[0] = 2 })
			return l.db.Set(blocks.appendKey(nil, alpha, 0), raw, pebble.Sync)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, dir := fresh()
			if err := set(l); err != nil {
				t.Fatal(err)
			}
			closeLog(t, l)
			wantRefused(t, dir, o, ErrFormat, "2")
		})
	}
}

func writeIdentity(t *testing.T, fs vfs.FS, dir string, change func(*identity)) {
	t.Helper()
	path := fs.PathJoin(dir, identityName)
	raw, err := readFile(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	var id identity
	if err := json.Unmarshal(raw, &id); err != nil {
		t.Fatal(err)
	}
	change(&id)
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writeJSON(f, id), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenDamagedIdentity(t *testing.T) {
	o := small(vfs.NewMem())
	closeLog(t, openLog(t, "/store", o))
	writeIdentity(t, o.FS, "/store", func(id *identity) { id.UUID = "me" })
	wantRefused(t, "/store", o, nil, "is damaged")
}

// TestCopyGetsNewUUID copies a store file by file, as a backup does.
func TestCopyGetsNewUUID(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	l := openLog(t, dir, small(nil))
	commitRange(t, l, alpha, 0, 5)
	uuid := l.UUID()
	closeLog(t, l)
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	var copyUUID string
	for range 2 { // it keeps the new one
		l = openLog(t, copied, small(nil))
		if l.UUID() == uuid || copyUUID != "" && copyUUID != l.UUID() {
			t.Fatalf("copy of %s has %s, then %s", uuid, copyUUID, l.UUID())
		}
		copyUUID = l.UUID()
		wantRange(t, l, alpha, 0, 0, 5)
		closeLog(t, l)
	}
	moved := dir + "-moved" // a move is no copy
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(moved) })
	if l = openLog(t, moved, small(nil)); l.UUID() != uuid {
		t.Errorf("moved store has %s, was %s", l.UUID(), uuid)
	}
	closeLog(t, l)
}

func TestWipedGetsNewUUID(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	commitRange(t, l, alpha, 0, 5)
	uuid := l.UUID()
	closeLog(t, l)
	if err := o.FS.RemoveAll("/store/" + pebbleName); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	if l.UUID() == uuid {
		t.Error("an emptied store speaks under its old UUID")
	}
}

func TestOptionBounds(t *testing.T) {
	for _, o := range []Options{{BlockBytes: 1}, {BlockBytes: 1 << 30}, {CacheBytes: 5}, {MemTableBytes: -1}} {
		if _, err := Open(t.TempDir(), o); err == nil || !strings.Contains(err.Error(), "must be") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
