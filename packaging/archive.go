package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// archive gathers files for a tar.gz whose bytes depend on them alone: in the order
// of their names, of one time, of user and group 0.
type archive struct {
	top   string // the directory that everything is in
	date  time.Time
	files map[string]entry
}

type entry struct {
	data []byte
	mode int64
}

func newArchive(top string, date time.Time) *archive {
	return &archive{top: top, date: date, files: make(map[string]entry)}
}

// add adds a file under a name. Who may run it may everybody run.
func (a *archive) add(name, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	e := entry{data, 0o644}
	if info.Mode()&0o100 != 0 {
		e.mode = 0o755
	}
	a.files[name] = e
	return nil
}

// addTree adds every file below a directory.
func (a *archive) addTree(dir string) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		return a.add(filepath.ToSlash(name), file)
	})
}

// write writes the archive to a file.
func (a *archive) write(file string) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		f := a.files[name]
		h := &tar.Header{Name: path.Join(a.top, name), Mode: f.mode, Size: int64(len(f.data)), ModTime: a.date, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.data); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// compress writes a file's gzip, without name and time, to another.
func compress(file, to string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}
