package blocklog

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// piecesFS notes how large what is written is, and fails after so many writes.
type piecesFS struct {
	vfs.FS
	pieces *[]int
	good   int
}

type piecesFile struct {
	vfs.File
	fs *piecesFS
}

func (p *piecesFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := p.FS.Create(name, category)
	return &piecesFile{f, p}, err
}

func (f *piecesFile) Write(b []byte) (int, error) {
	if len(*f.fs.pieces) == f.fs.good {
		return 0, syscall.EIO
	}
	*f.fs.pieces = append(*f.fs.pieces, len(b))
	return f.File.Write(b)
}

// TestTableFile writes blocks as Pebble does, in files of each kind: tables come in
// whole pieces and are complete once synced, others come as they are, and what
// cannot be written is told at the sync at the latest.
func TestTableFile(t *testing.T) {
	block, sum := fill(tableWrite+24), []byte("5ums!")
	const total = 10 * (tableWrite + 24 + 5)
	write := func(name string, good int) (fs vfs.FS, pieces []int, err error) {
		fs = vfs.NewMem()
		f, err := tableFS{&piecesFS{fs, &pieces, good}}.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			for _, p := range [][]byte{block, sum} {
				if _, err := f.Write(p); err != nil {
					return fs, pieces, errors.Join(err, f.Close())
				}
			}
		}
		err = f.SyncData()
		if info, there := fs.Stat(name); err == nil && (there != nil || info.Size() != total) {
			t.Errorf("%s: not all is in the file when it is synced: %v", name, there)
		}
		return fs, pieces, errors.Join(err, f.Close())
	}
	for _, name := range []string{"1.sst", "2.blob"} {
		fs, pieces, err := write(name, 100)
		whole := slices.Repeat([]int{tableWrite}, 10)
		if err != nil || !slices.Equal(pieces, append(whole, total-10*tableWrite)) {
			t.Errorf("%s: wrote %d, %v", name, pieces, err)
		}
		f, err := fs.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		if want := bytes.Repeat(append(block[:len(block):len(block)], sum...), 10); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: read %d bytes, %v", name, len(got), err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		for good := range 3 {
			if _, _, err := write(name, good); !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: after %d good writes: %v", name, good, err)
			}
		}
	}
	if _, pieces, err := write("3.log", 100); err != nil || len(pieces) != 20 {
		t.Errorf("a log was written in %d pieces, %v", len(pieces), err)
	}
}

// BenchmarkTableFile writes 16 MiB of blocks with their checksums, as a flush
// does, straight to the file and through tableFS.
func BenchmarkTableFile(b *testing.B) {
	block, sum := fill(64<<10), make([]byte, 5)
	for name, fs := range map[string]vfs.FS{"direct": vfs.Default, "tableFS": tableFS{vfs.Default}} {
		b.Run(name, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "1.blob")
			b.SetBytes(16 << 20)
			b.ReportAllocs()
			for b.Loop() {
				f, err := fs.Create(file, vfs.WriteCategoryUnspecified)
				if err != nil {
					b.Fatal(err)
				}
				for range 256 {
					_, err1 := f.Write(block)
					_, err2 := f.Write(sum)
					if err := errors.Join(err1, err2); err != nil {
						b.Fatal(err)
					}
				}
				if err := errors.Join(f.SyncData(), f.Close()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
