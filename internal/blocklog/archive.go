package blocklog

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// A backup is a tar file:
//
//	backup.json     what it is: an [Archive]
//	watermark       as in the store's directory
//	log/NAME ...    Pebble's files
//	checksums       a line for each of the above, as of sha256sum
//
// The checksums come last, so that a backup is written in one pass; a file that
// was cut off has none. The store's identity is not in it: who restores it has a
// new one.
const (
	archiveFormat = 1
	archiveName   = "backup.json"
	checksumsName = "checksums"
	// maxHead bounds backup.json, maxSums the checksums: a million files.
	maxHead = 64 << 10
	maxSums = 128 << 20
)

// Archive is what a backup says about itself.
type Archive struct {
	Format     int       `json:"format"` // of the backup; that of the store is in its database
	Store      string    `json:"store"`  // UUID of the store that it was made of
	Made       time.Time `json:"made"`
	Partitions int       `json:"partitions"`
	Records    uint64    `json:"records"`
	Files      int       `json:"files"`
	Bytes      uint64    `json:"bytes"` // of these files
}

// archiveWriter writes a backup.
type archiveWriter struct {
	tar  *tar.Writer
	made time.Time
	sums strings.Builder
}

// add writes a file of size bytes, which in must have.
func (w *archiveWriter) add(name string, size int64, in io.Reader) error {
	sum := sha256.New()
	if err := w.header(name, size); err != nil {
		return err
	}
	if n, err := io.Copy(io.MultiWriter(sum, w.tar), io.LimitReader(in, size)); err != nil {
		return err
	} else if n < size {
		return fmt.Errorf("file %q ended at %d of %d bytes", name, n, size)
	}
	fmt.Fprintf(&w.sums, "%x  %s\n", sum.Sum(nil), name)
	return nil
}

func (w *archiveWriter) header(name string, size int64) error {
	return w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: w.made})
}

func (w *archiveWriter) head(a *Archive) error {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	return w.add(archiveName, int64(len(raw)), strings.NewReader(string(raw)))
}

// finish writes the checksums and the end.
func (w *archiveWriter) finish() error {
	if err := w.header(checksumsName, int64(w.sums.Len())); err != nil {
		return err
	}
	_, err := io.WriteString(w.tar, w.sums.String())
	return errors.Join(err, w.tar.Close())
}

// readArchive reads a backup, gives each of its files to file, in order, and
// compares checksums. begin is called with what it says about itself. What is not
// as it was written is [ErrBackup]; other errors are those of the two.
func readArchive(in io.Reader, begin func(*Archive), file func(name string, in io.Reader) error) (*Archive, error) {
	r := &archiveReader{tar: tar.NewReader(in)}
	if err := r.head(); err != nil {
		return nil, err
	}
	begin(&r.Archive)
	for {
		name, err := r.next()
		if err != nil {
			return nil, err
		}
		if name == checksumsName {
			return &r.Archive, r.compare()
		}
		if err := r.add(name, func(in io.Reader) error { return file(name, in) }); err != nil {
			return nil, err
		}
	}
}

// archiveReader reads a backup.
type archiveReader struct {
	Archive
	tar  *tar.Reader
	sums strings.Builder // of what was read
}

func (r *archiveReader) head() error {
	name, err := r.next()
	if err == nil && name != archiveName {
		err = fmt.Errorf("%w: it begins with %q and not with %s", ErrBackup, name, archiveName)
	}
	if err != nil {
		return err
	}
	return r.add(archiveName, func(in io.Reader) error {
		raw, err := io.ReadAll(io.LimitReader(in, maxHead))
		if err == nil {
			err = json.Unmarshal(raw, &r.Archive)
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrBackup, archiveName, err)
		}
		if r.Format > archiveFormat {
			return fmt.Errorf("%w: the backup has format %d, this version reads up to %d; use a newer beck",
				ErrFormat, r.Format, archiveFormat)
		}
		return nil
	})
}

// next returns the name of the next file.
func (r *archiveReader) next() (string, error) {
	h, err := r.tar.Next()
	switch {
	case err == io.EOF && r.sums.Len() > 0:
		return "", fmt.Errorf("%w: it ends without checksums", ErrBackup)
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if h.Typeflag != tar.TypeReg || !archived(h.Name) {
		return "", fmt.Errorf("%w: %q is not a file of one", ErrBackup, h.Name)
	}
	return h.Name, nil
}

// archived says whether a file of this name may be in a backup: none may lead out
// of the directory that it is restored to.
func archived(name string) bool {
	switch name {
	case archiveName, watermarkName, checksumsName:
		return true
	}
	dir, base := path.Split(name)
	return dir == pebbleName+"/" && base != "" && base != ".." && base != "." && !strings.ContainsAny(base, "\\\n\x00")
}

// add has read all of a file, and sums it up.
func (r *archiveReader) add(name string, read func(io.Reader) error) error {
	sum := sha256.New()
	in := io.TeeReader(archiveFile{r.tar, name}, sum)
	if err := read(in); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	fmt.Fprintf(&r.sums, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), name)
	return nil
}

// compare compares the checksums, which are next, with those of what was read.
func (r *archiveReader) compare() error {
	raw, err := io.ReadAll(io.LimitReader(archiveFile{r.tar, checksumsName}, maxSums))
	if err != nil {
		return err
	}
	said, found := string(raw), r.sums.String()
	for found != "" && said != "" {
		var a, b string
		a, said, _ = strings.Cut(said, "\n")
		b, found, _ = strings.Cut(found, "\n")
		if a != b {
			_, name, _ := strings.Cut(b, "  ")
			return fmt.Errorf("%w: the checksum of %q does not match", ErrBackup, name)
		}
	}
	if found != said {
		return fmt.Errorf("%w: the checksums are not those of its files", ErrBackup)
	}
	return nil
}

// archiveFile says of an error which file it is about.
type archiveFile struct {
	in   io.Reader
	name string
}

func (f archiveFile) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %q: %w", ErrBackup, f.name, err)
	}
	return n, err
}
