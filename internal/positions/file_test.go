package positions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"github.com/beckmesh/beck/protocol"
)

var address = strings.Repeat("A", protocol.AddressLen)

func at(next uint64) []protocol.Position {
	return []protocol.Position{{Topic: "t", Producer: address, Next: next}, {Topic: "u", Producer: address, Next: 7}}
}

func open(t *testing.T, path string, fs vfs.FS) (*File, []protocol.Position) {
	t.Helper()
	f, have, err := Open(path, "n", fs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, have
}

func save(t *testing.T, f *File, at []protocol.Position) {
	t.Helper()
	if err := f.Save(at); err != nil {
		t.Fatal(err)
	}
}

func TestFileKeepsPositions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	f, have := open(t, path, nil)
	if have != nil {
		t.Fatalf("a new file holds %v", have)
	}
	for next := range uint64(3) {
		save(t, f, at(next))
	}
	if _, _, err := Open(path, "n", nil); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("opened twice: %v", err)
	}
	f.Close()
	if _, have := open(t, path, nil); !cmp.Equal(have, at(2)) {
		t.Errorf("kept %v", have)
	}
}

func TestFileOfAnotherName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	f, _ := open(t, path, nil)
	save(t, f, at(1))
	f.Close()
	if _, _, err := Open(path, "other", nil); !errors.Is(err, ErrName) {
		t.Errorf("%v", err)
	}
	open(t, path, nil) // the refusal left no lock
}

func TestFileInNoDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "p")
	if _, _, err := Open(path, "n", nil); err == nil || errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
}

// TestFileDamaged: no byte of it can be changed, and nothing cut off, unnoticed.
func TestFileDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	f, _ := open(t, path, nil)
	save(t, f, at(1))
	f.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := Open(path, "n", nil)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) || !strings.Contains(fmt.Sprint(err), path) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range good {
		refuse(fmt.Sprintf("cut at %d", i), good[:i])
		for bit := range 8 {
			b := append([]byte(nil), good...)
			b[i] ^= 1 << bit
			refuse(fmt.Sprintf("bit %d of byte %d", bit, i), b)
		}
	}
	newer := append([]byte(nil), good...)
	newer[len(mark)] = format + 1
	os.WriteFile(path, newer, 0o644)
	if _, _, err := Open(path, "n", nil); !errors.Is(err, ErrFormat) {
		t.Errorf("newer format: %v", err)
	}
}

// TestFileCrashes: a crash at each write of a workload, with none, half or all of
// what was not synced: what was saved is there, or what was being saved.
func TestFileCrashes(t *testing.T) {
	for _, percent := range []int{0, 50, 100} {
		for crash := range 60 {
			mem := vfs.NewCrashableMem()
			var clone *vfs.MemFS
			ops := 0
			inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					if ops++; ops == crash+1 {
						clone = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(crash), 1))})
					}
				}
				return nil
			})
			f, _, err := Open("p", "n", errorfs.Wrap(mem, inject))
			if err != nil {
				t.Fatal(err)
			}
			saved, begun := uint64(0), uint64(0)
			for next := uint64(1); next <= 5 && clone == nil; next++ {
				begun = next
				if save(t, f, at(next)); clone == nil {
					saved = next
				}
			}
			f.Close()
			if clone == nil {
				continue
			}
			_, have, err := Open("p", "n", clone)
			if err != nil {
				t.Fatalf("crash at write %d, %d%%: %v", crash, percent, err)
			}
			got := uint64(0)
			if len(have) > 0 {
				got = have[0].Next
			}
			if got < saved || got > begun {
				t.Fatalf("crash at write %d, %d%%: %d, saved were %d, begun %d", crash, percent, got, saved, begun)
			}
		}
	}
}

// TestFileErrors: whatever write fails, Save says so, and the file is whole.
func TestFileErrors(t *testing.T) {
	failed := 0
	for fail := range 12 {
		mem := vfs.NewMem()
		ops, armed := 0, false
		inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
			if armed && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				if ops++; ops == fail+1 {
					return errors.New("injected")
				}
			}
			return nil
		})
		f, _, err := Open("p", "n", errorfs.Wrap(mem, inject))
		if err != nil {
			t.Fatal(err)
		}
		save(t, f, at(1))
		armed = true
		err = f.Save(at(2))
		armed = false
		f.Close()
		_, have, openErr := Open("p", "n", mem)
		if openErr != nil {
			t.Fatalf("write %d: %v", fail, openErr)
		}
		if err != nil {
			failed++
		} else if have[0].Next != 2 {
			t.Fatalf("write %d: no error, and not saved", fail)
		}
	}
	if failed < 4 {
		t.Errorf("%d writes failed", failed)
	}
}
