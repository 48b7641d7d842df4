package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Two releases, the second of which is newer.
const firstVersion, secondVersion = "v1.0.0-rc.1", "v1.0.0"

// What several tests look at is built once: linking and compressing take their time.
var (
	builtDir      string
	buildProgram  = sync.OnceValues(newProgram)
	buildPackages = sync.OnceValue(newPackages)
)

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

// testRelease returns a release of the sources as they are.
func testRelease(version, to string) (*Release, error) {
	return newRelease("..", filepath.Join(builtDir, to), version, "0123456789abcdef", 1_700_000_000)
}

// beckProgram returns the path of the program.
func beckProgram(t *testing.T) string {
	t.Helper()
	path, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func newProgram() (string, error) {
	r, err := testRelease(firstVersion, "program")
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.to, "beck")
	return path, r.build(hostTarget(), path)
}

// builtPackages returns a directory with packages of the two releases, in first and
// second, and in first with an archive, too.
func builtPackages(t *testing.T) string {
	t.Helper()
	if err := buildPackages(); err != nil {
		t.Fatal(err)
	}
	return builtDir
}

func newPackages() error {
	first, err := testRelease(firstVersion, "first")
	if err != nil {
		return err
	}
	if err := makeFiles(first); err != nil {
		return err
	}
	second, err := testRelease(secondVersion, "second")
	if err != nil {
		return err
	}
	return second.packages([]string{runtime.GOARCH})
}

// makeFiles makes, of a release for this machine, an archive, its checksum, a deb and an
// rpm.
func makeFiles(r *Release) error {
	file, err := r.archive(hostTarget())
	if err != nil {
		return err
	}
	return errors.Join(r.sums([]string{file}), r.packages([]string{runtime.GOARCH}))
}
