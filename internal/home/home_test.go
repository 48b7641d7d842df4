package home

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	errInUse   = errors.New("in use")
	errForeign = errors.New("not a nest")
)

// nest is a kind of directory with an egg in it.
var nest = Kind{
	Name: "nest", Owner: "bird", Proof: "egg", InUse: errInUse, Foreign: errForeign,
	Knows: func(name string) (known, proof bool) { return name == "twig", name == "egg" },
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path, vfs.Default, nest)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, path)
	if err := errors.Join(d.Sync(), d.SyncAbove()); err != nil {
		t.Error(err)
	}
	if _, err := Open(path, vfs.Default, nest); !errors.Is(err, errInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("opened twice: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, d.File("twig"))
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	write(t, d.File("stone"))
	_, err := Open(path, vfs.Default, nest)
	if !errors.Is(err, errForeign) || !strings.Contains(err.Error(), "stone") || !strings.Contains(err.Error(), path) {
		t.Errorf("opened with a stone in it: %v", err)
	}
	write(t, d.File("egg"))
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("", vfs.Default, nest); err == nil || !strings.Contains(err.Error(), "no nest directory") {
		t.Errorf("opened without a path: %v", err)
	}
	if _, err := Open(d.File("egg"), vfs.Default, nest); err == nil || errors.Is(err, errForeign) {
		t.Errorf("opened a file: %v", err)
	}
}

// TestOrigin: a file that is renamed, or whose directory is, stays where it is;
// a copy does not.
func TestOrigin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nest")
	d := open(t, path)
	defer d.Close()
	write(t, d.File("twig"))
	origin := func(d *Dir, name string) Origin {
		o, err := d.Origin(name)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	made := origin(d, "twig")
	if made == (Origin{}) {
		t.Skip("this system has no inodes")
	}
	if err := os.Rename(d.File("twig"), d.File("egg")); err != nil {
		t.Fatal(err)
	}
	if o := origin(d, "egg"); o != made {
		t.Errorf("renamed, it is at %+v, was at %+v", o, made)
	}
	copied := open(t, path+"-copy")
	defer copied.Close()
	write(t, copied.File("egg"))
	if o := origin(copied, "egg"); o == made {
		t.Errorf("a copy is at %+v as well", o)
	}
	mem := &Dir{FS: vfs.NewMem(), Path: "/"}
	if f, err := mem.FS.Create("/egg", vfs.WriteCategoryUnspecified); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	if o := origin(mem, "egg"); o != (Origin{}) {
		t.Errorf("in memory it is at %+v", o)
	}
}

func TestLocked(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{syscall.EAGAIN, true},
		{syscall.EACCES, true},
		{errors.New("lock held by current process"), true},
		{syscall.ENOLCK, false}, // the file system has no locks
		{&os.PathError{Op: "open", Path: "LOCK", Err: syscall.EACCES}, false},
	} {
		if got := Locked(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
