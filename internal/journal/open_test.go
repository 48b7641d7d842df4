package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beckmesh/beck/protocol"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestOpenInUse(t *testing.T) {
	for name, c := range map[string]struct {
		dir string
		o   Options
	}{
		"disk":   {t.TempDir(), small(nil)},
		"memory": {dir, small(vfs.NewMem())},
	} {
		t.Run(name, func(t *testing.T) {
			j := openJournal(t, c.dir, c.o)
			wantRefused(t, c.dir, c.o, ErrInUse, "another producer uses")
			appendRange(t, j, "alpha", 0, 5) // the first one is unharmed
			must(t, j.Close())
			j = openJournal(t, c.dir, c.o)
			wantRange(t, j, "alpha", 0, 5)
			must(t, j.Close())
		})
	}
}

func TestOpenInUseByOtherName(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir, small(nil))
	t.Chdir(dir)
	if _, err := Open(".", small(nil)); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
	must(t, j.Close())
}

func TestOpenNotJournal(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "store.json"), nil, 0o600))
	wantRefused(t, dir, small(nil), ErrNotJournal, "store.json")
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("a foreign directory was written to: %v", names)
	}
	wantRefused(t, filepath.Join(dir, "store.json"), small(nil), nil, "directory")
	if _, err := Open("", small(nil)); err == nil {
		t.Error("opened without a directory")
	}
}

func TestOpenNewDirectories(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "lost+found"), 0o700))
	for _, d := range []string{dir, filepath.Join(dir, "a", "b", "c")} {
		j := openJournal(t, d, small(nil))
		appendRange(t, j, "alpha", 0, 3)
		must(t, j.Close())
		j = openJournal(t, d, small(nil))
		wantRange(t, j, "alpha", 0, 3)
		must(t, j.Close())
	}
}

func TestOptionBounds(t *testing.T) {
	for _, n := range []int64{-1, 1, 4095, 1<<40 + 1} {
		if _, err := Open(t.TempDir(), Options{SegmentBytes: n}); err == nil || !strings.Contains(err.Error(), "must be") {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// change rewrites a segment's header with a valid checksum.
func change(raw []byte, edit func(header []byte)) []byte {
	n := binary.BigEndian.Uint32(raw[12:])
	raw = slices.Clone(raw)
	edit(raw[:n])
	binary.BigEndian.PutUint32(raw[16:], prefixSum(raw[:n]))
	return raw
}

func TestOpenNewerFormat(t *testing.T) {
	o := small(vfs.NewMem())
	must(t, openJournal(t, dir, o).Close())
	content := files(t, o.FS)
	for name, raw := range content {
		content[name] = change(raw, func(h []byte) { h[11] = 2 })
		wantRefused(t, dir, small(withFiles(t, content)), ErrFormat, name)
		wantRefused(t, dir, small(withFiles(t, content)), ErrFormat, "version 2")
	}
}

// segments returns the files of a journal with a few segments and topics, in
// use or closed.
func segments(t *testing.T, closed bool) map[string][]byte {
	t.Helper()
	o := small(vfs.NewMem())
	j := openJournal(t, dir, o)
	for first := uint64(0); first < 200; first += 20 {
		appendRange(t, j, "alpha", first, first+20)
		appendRange(t, j, "beta", first/2, first/2+10)
		must(t, j.Sync())
		j.Trim("beta", first/2)
	}
	if closed {
		must(t, j.Close())
		return files(t, o.FS)
	}
	content := files(t, o.FS)
	must(t, j.Close())
	return content
}

func TestOpenMixedFiles(t *testing.T) {
	one, other := segments(t, true), segments(t, true)
	list := names(one)
	if len(list) < 3 {
		t.Fatal(list)
	}
	for _, c := range []struct {
		what string
		edit func(m map[string][]byte)
		name string
	}{
		{"first missing", func(m map[string][]byte) { delete(m, list[0]) }, list[0]},
		{"second missing", func(m map[string][]byte) { delete(m, list[1]) }, list[1]},
		{"another journal's", func(m map[string][]byte) { m[list[1]] = other[list[1]] }, list[1]},
		{"renamed", func(m map[string][]byte) { m[list[1]] = m[list[0]] }, list[1]},
		{"trims taken back", func(m map[string][]byte) {
			h, err := parseHeader(m[list[2]][:binary.BigEndian.Uint32(m[list[2]][12:])])
			must(t, err)
			h.topics[1].trimmed = 0
			m[list[2]] = h.append(nil)
		}, list[2]},
		{"truncated", func(m map[string][]byte) { m[list[0]] = m[list[0]][:len(m[list[0]])-1] }, list[0]},
		{"empty", func(m map[string][]byte) { m[list[len(list)-1]] = nil }, list[len(list)-1]},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := map[string][]byte{}
			for name, raw := range one {
				m[name] = raw
			}
			c.edit(m)
			fs := withFiles(t, m)
			wantRefused(t, dir, small(fs), ErrCorrupt, c.name)
			if after := files(t, fs); len(after) != len(m) {
				t.Errorf("files %v, were %v", names(after), names(m))
			}
		})
	}
}

// TestOpenSurplus: a file grows behind its end when it is written to by a crash
// recovery of the file system; only the last one's end may be unknown.
func TestOpenSurplus(t *testing.T) {
	content := segments(t, true)
	for name := range content {
		content[name] = append(content[name], make([]byte, 100)...)
	}
	j := openJournal(t, dir, small(withFiles(t, content)))
	wantRange(t, j, "alpha", 0, 200)
	wantRange(t, j, "beta", 90, 100)
	must(t, j.Close())
}

// TestCopyIsRenewed copies a journal file by file, as a backup does.
func TestCopyIsRenewed(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	j := openJournal(t, dir, small(nil))
	for first := uint64(0); first < 200; first += 20 {
		appendRange(t, j, "alpha", first, first+20)
		must(t, j.Sync())
	}
	uuid := j.UUID()
	must(t, j.Close())
	must(t, os.CopyFS(copied, os.DirFS(dir)))
	original, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	must(t, err)

	var log bytes.Buffer
	o := small(nil)
	o.Logger = textLogger(&log)
	j = openJournal(t, copied, o)
	renewed := j.UUID()
	must(t, protocol.ValidAddress(renewed))
	if renewed == uuid || len(state(j)) != 0 {
		t.Fatalf("copy of %s has %s and %v", uuid, renewed, state(j))
	}
	aside := filepath.Join(copied, asidePrefix+uuid)
	for _, want := range []string{"is a copy", copied, uuid, renewed, aside} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log does not name %q: %s", want, &log)
		}
	}
	if moved, _ := filepath.Glob(filepath.Join(aside, "*.seg")); len(moved) != len(original) || len(moved) < 2 {
		t.Errorf("set aside %v of %v", moved, original)
	}
	appendRange(t, j, "alpha", 0, 3)
	must(t, j.Close())
	j = openJournal(t, copied, small(nil)) // it keeps the new one
	if j.UUID() != renewed {
		t.Errorf("%s, was %s", j.UUID(), renewed)
	}
	wantRange(t, j, "alpha", 0, 3)
	must(t, j.Close())

	j = openJournal(t, dir, small(nil)) // the original is unharmed
	if j.UUID() != uuid {
		t.Errorf("original has %s, was %s", j.UUID(), uuid)
	}
	wantRange(t, j, "alpha", 0, 200)
	must(t, j.Close())
	moved := dir + "-moved" // a move is no copy
	must(t, os.Rename(dir, moved))
	t.Cleanup(func() { os.RemoveAll(moved) })
	j = openJournal(t, moved, small(nil))
	if j.UUID() != uuid {
		t.Errorf("moved journal has %s, was %s", j.UUID(), uuid)
	}
	must(t, j.Close())
}

func TestWipedGetsNewUUID(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir, small(nil))
	uuid := j.UUID()
	must(t, j.Close())
	must(t, os.RemoveAll(dir))
	j = openJournal(t, dir, small(nil))
	if j.UUID() == uuid {
		t.Error("an emptied journal speaks under its old UUID")
	}
	must(t, j.Close())
}
