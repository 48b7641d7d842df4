package main

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Two releases, the second of which is newer.
const firstVersion, secondVersion = "v1.0.0-rc.1", "v1.0.0"

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "beck-packaging-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	builtDir = dir
	return m.Run()
}

// What several tests look at is built once: linking and compressing take their time.
var (
	builtDir  string
	builtOnce sync.Once
	builtErr  error
)

// builtPackages returns a directory with packages of the two releases, in first and
// second.
func builtPackages(t *testing.T) string {
	t.Helper()
	builtOnce.Do(func() {
		for dir, version := range map[string]string{"first": firstVersion, "second": secondVersion} {
			r, err := newRelease("..", filepath.Join(builtDir, dir), version, "0123456789abcdef", 1_700_000_000)
			if err == nil {
				err = r.packages([]string{runtime.GOARCH})
			}
			if err != nil {
				builtErr = err
			}
		}
	})
	if builtErr != nil {
		t.Fatal(builtErr)
	}
	return builtDir
}
