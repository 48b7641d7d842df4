package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContexts(t *testing.T) {
	c := Contexts{Dir: filepath.Join(t.TempDir(), "made", "for", "us")}
	if names, err := c.Names(); err != nil || names != nil {
		t.Errorf("without a directory: %v, %v", names, err)
	}
	if current, err := c.Current(); err != nil || current != "" {
		t.Errorf("without a directory: current %q, %v", current, err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Add("b", []byte("sub: b\n"), false))
	must(c.Add("a", []byte("sub: a\n"), false))
	if err := c.Add("a", nil, false); !errors.Is(err, ErrContextExists) {
		t.Errorf("again: %v", err)
	}
	must(c.Add("a", []byte("sub: c\n"), true))
	names, err := c.Names()
	must(err)
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		t.Error(diff)
	}
	if text, err := c.Read("a"); err != nil || string(text) != "sub: c\n" {
		t.Errorf("a is %q, %v", text, err)
	}
	if err := c.Use("x"); !errors.Is(err, ErrNoContext) || !strings.Contains(err.Error(), `"x": there is a, b`) {
		t.Errorf("use of none: %v", err)
	}
	must(c.Use("a"))
	must(c.Remove("b"))
	if current, err := c.Current(); err != nil || current != "a" {
		t.Errorf("current is %q, %v", current, err)
	}
	must(c.Remove("a"))
	if current, err := c.Current(); err != nil || current != "" {
		t.Errorf("after its removal current is %q, %v", current, err)
	}
	if err := c.Remove("a"); !errors.Is(err, ErrNoContext) || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("removed twice: %v", err)
	}
	must(c.Use(""))
}

func TestContextNames(t *testing.T) {
	c := Contexts{Dir: t.TempDir()}
	for _, name := range []string{"", ".", "..", "../x", "a/b", "-x", "a b", "a.yaml", strings.Repeat("x", 65), "a\n"} {
		if err := c.Add(name, nil, true); !errors.Is(err, ErrContextName) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := c.Read(name); !errors.Is(err, ErrContextName) {
			t.Errorf("reading %q: %v", name, err)
		}
	}
}

// TestContextFilesArePrivate: they may hold credentials.
func TestContextFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes here")
	}
	c := Contexts{Dir: filepath.Join(t.TempDir(), "contexts")}
	for range 2 { // made, and replaced
		if err := c.Add("a", []byte("sub: a\n"), true); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{c.Path("a"): 0o600, c.Dir: 0o700} {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, %v: want %v", path, info.Mode().Perm(), err, want)
			}
		}
		if err := os.Chmod(c.Path("a"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestContextsAreReplacedAsAWhole reads while others write: each read finds
// one of the texts, and no other file is left.
func TestContextsAreReplacedAsAWhole(t *testing.T) {
	c := Contexts{Dir: t.TempDir()}
	long := [2]string{"#" + strings.Repeat("a", 8<<10), "#" + strings.Repeat("b", 16<<10)}
	if err := c.Add("x", []byte(long[0]), false); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	done := make(chan struct{})
	for _, text := range long {
		writers.Go(func() {
			for range 50 {
				if err := c.Add("x", []byte(text), true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		if text, err := c.Read("x"); err != nil || string(text) != long[0] && string(text) != long[1] {
			t.Fatalf("read %d bytes, %v", len(text), err)
		}
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}
