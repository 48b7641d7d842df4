package journal

import (
	"errors"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

const (
	tempName    = "segment.tmp"
	asidePrefix = "aside-"
)

// journalHome is a journal's directory, locked.
type journalHome struct{ *home.Dir }

// journalKind says what a journal's directory is.
var journalKind = home.Kind{
	Name: "journal", Owner: "producer", Proof: segmentName(1), InUse: ErrInUse, Foreign: ErrNotJournal,
	Knows: func(name string) (known, proof bool) {
		_, proof = segmentNumber(name)
		return name == tempName || strings.HasPrefix(name, asidePrefix), proof
	},
}

func openHome(dir string, fs vfs.FS) (*journalHome, error) {
	d, err := home.Open(dir, fs, journalKind)
	if err != nil {
		return nil, err
	}
	return &journalHome{d}, nil
}

// numbers returns the numbers of the segments, ascending.
func (h *journalHome) numbers() ([]uint64, error) {
	names, err := h.FS.List(h.Path)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := segmentNumber(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// setAside moves the segments of another journal into a directory of their own,
// the last one, which tells whose they are, at the end. Interrupted, it is
// repeated when the journal is opened again.
func (h *journalHome) setAside(uuid string, numbers []uint64) (dir string, err error) {
	dir = h.File(asidePrefix + uuid)
	if err := h.FS.MkdirAll(dir, 0o755); err != nil {
		return dir, err
	}
	for _, n := range numbers {
		name := segmentName(n)
		if err := h.FS.Rename(h.File(name), h.FS.PathJoin(dir, name)); err != nil {
			return dir, err
		}
	}
	return dir, errors.Join(home.SyncDir(h.FS, dir), h.Sync())
}
