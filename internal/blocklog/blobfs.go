package blocklog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/blob"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// blobFS refuses to open a file of large values whose end is damaged. Pebble
// finds that, too, but panics when it is about to report it, in whoever reads or
// in the background; an error that is not its own it passes on.
type blobFS struct{ vfs.FS }

// errBlob: what tells where the values of a file lie is damaged.
var errBlob = errors.New("file of large blocks is damaged")

const blobSuffix = ".blob"

// Open checks the end of a file of large values.
func (b blobFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := b.FS.Open(name, opts...)
	if err != nil || !strings.HasSuffix(name, blobSuffix) {
		return f, err
	}
	if err := checkBlob(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %q: %v", errBlob, name, err), f.Close())
	}
	return f, nil
}

// Unwrap returns the file system underneath.
func (b blobFS) Unwrap() vfs.FS { return b.FS }

func checkBlob(f vfs.File) error {
	r, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return err
	}
	// It reads the end only and holds nothing but f, which stays open.
	_, err = blob.NewFileReader(context.Background(), r, blob.FileReaderOptions{})
	return err
}
