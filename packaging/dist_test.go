package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReleaseVersion turns what git describe says into versions that packages can be
// compared by.
func TestReleaseVersion(t *testing.T) {
	date := time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"v1.2.0":                  "1.2.0",
		"1.2.0":                   "1.2.0",
		"v1.3.0-rc.1":             "1.3.0-rc.1",
		"v1.2.0-5-g3c04728":       "1.2.0+5.g3c04728",
		"v1.3.0-rc.1-5-g3c04728":  "1.3.0-rc.1+5.g3c04728",
		"v1.2.0-5-g3c04728-dirty": "1.2.0+5.g3c04728.dirty",
		"v1.2.0-dirty":            "1.2.0+dirty",
		"3c04728":                 "0.0.0-20261120143000.3c04728",
		"3c04728-dirty":           "0.0.0-20261120143000.3c04728+dirty",
		"devel":                   "",
		"":                        "",
		"v1.2":                    "",
	} {
		got, err := releaseVersion(text, date)
		if got != want || (err == nil) == (want == "") {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestSameBytes builds an archive and packages of the sources once more, elsewhere: the
// bytes are the same.
func TestSameBytes(t *testing.T) {
	first := readAll(t, filepath.Join(builtPackages(t), "first"))
	if len(first) != 4 {
		t.Errorf("%d files, want an archive, its checksum, a deb and an rpm", len(first))
	}
	elsewhere := t.TempDir()
	copySources(t, elsewhere)
	r, err := newRelease(elsewhere, t.TempDir(), firstVersion, "0123456789abcdef", 1_700_000_000)
	if err == nil {
		err = makeFiles(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	second := readAll(t, r.to)
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s has %d bytes, and elsewhere %d others", name, len(data), len(second[name]))
		}
	}
}

// copySources copies what a release is made of.
func copySources(t *testing.T, to string) {
	t.Helper()
	copyContext(t, to)
	for _, name := range []string{"packaging", "deploy"} {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join("..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range documents {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestArchive looks into an archive.
func TestArchive(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(builtPackages(t), "first", "*.tar.gz"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d archives, %v, want one", len(files), err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	top := strings.TrimSuffix(filepath.Base(files[0]), ".tar.gz") + "/"
	var names []string
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, below := strings.CutPrefix(h.Name, top)
		if !below || h.Uid != 0 || h.ModTime.Unix() != 1_700_000_000 || (h.Mode == 0o755) != (name == "beck") {
			t.Errorf("%s has mode %o, user %d and time %s", h.Name, h.Mode, h.Uid, h.ModTime)
		}
		names = append(names, name)
	}
	if !slices.IsSorted(names) {
		t.Error("the names are not in order")
	}
	for _, want := range []string{"beck", "LICENSE", "LICENSES", "NOTICE", "README.md", "man/beck-store.1", "completions/_beck"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s in it: %q", want, names)
		}
	}
}
