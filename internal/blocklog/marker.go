package blocklog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
)

// marker keeps the number of commits in a file of its own, where damage to
// Pebble's files does not reach it. It lags behind, so that it costs little, but
// never leads: so many commits are on disk.
//
// The file has two slots, written in turn, so that a write that is torn leaves
// the other. They lie 4 KiB apart, on different blocks of the disk.
//
//	0             8         16       20
//	+-------------+---------+--------+
//	| "beckmark"  | commits | CRC32C |
//	+-------------+---------+--------+
type marker struct {
	dir     *home.Dir
	file    vfs.File // nil after an error: it is opened again
	slot    int64    // to be written next
	commits uint64   // what it says
	at      time.Time
}

const (
	markName    = "mark"
	markMagic   = "beckmark"
	markLen     = len(markMagic) + 8 + crcLen
	markSpacing = 4 << 10
	// markEvery is how far the mark may lag while there are commits.
	markEvery = time.Second
)

// openMarker reads the mark. A file that is missing or damaged says nothing.
func openMarker(dir *home.Dir) (*marker, error) {
	m := &marker{dir: dir}
	if err := m.open(); err != nil {
		return nil, err
	}
	for i := range int64(2) {
		raw := make([]byte, markLen)
		if _, err := m.file.ReadAt(raw, i*markSpacing); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				continue
			}
			return nil, errors.Join(err, m.file.Close())
		}
		if n, ok := parseMark(raw); ok && n >= m.commits {
			m.commits, m.slot = n, 1-i
		}
	}
	return m, nil
}

func (m *marker) open() (err error) {
	m.file, err = m.dir.FS.OpenReadWrite(m.dir.File(markName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err = m.dir.Sync(); err != nil { // it may be new
		err = errors.Join(err, m.file.Close())
		m.file = nil
	}
	return err
}

func parseMark(raw []byte) (commits uint64, ok bool) {
	n := len(raw) - crcLen
	if !bytes.HasPrefix(raw, []byte(markMagic)) || crc(raw[:n]) != binary.BigEndian.Uint32(raw[n:]) {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[len(markMagic):]), true
}

// due says whether the mark lags for long enough.
func (m *marker) due(commits uint64, now time.Time) bool {
	return commits > m.commits && (now.Sub(m.at) >= markEvery || now.Before(m.at))
}

// set writes the mark and returns when it is on disk. A failed fsync is not
// repeated: the next call opens the file anew and writes to the other slot.
func (m *marker) set(commits uint64, now time.Time) error {
	m.at = now
	if m.file == nil {
		if err := m.open(); err != nil {
			return err
		}
	}
	raw := binary.BigEndian.AppendUint64([]byte(markMagic), commits)
	raw = binary.BigEndian.AppendUint32(raw, crc(raw))
	_, err := m.file.WriteAt(raw, m.slot*markSpacing)
	if err == nil {
		err = m.file.Sync()
	}
	m.slot = 1 - m.slot
	if err != nil {
		err = errors.Join(err, m.file.Close())
		m.file = nil
		return err
	}
	m.commits = commits
	return nil
}

func (m *marker) close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}

// keepMark writes the mark if it lags, in any case if now is zero. It needs
// writing to be held. An error costs nothing but the knowledge of how much there
// has to be, should Pebble's files be damaged before the next one is written.
func (l *Log) keepMark(now time.Time) {
	if !now.IsZero() && !l.mark.due(l.seal.commits, now) || l.seal.commits == l.mark.commits {
		return
	}
	if err := l.mark.set(l.seal.commits, now); err != nil {
		l.opts.Logger.Warn("how much is on disk cannot be noted", "file", l.home.File(markName), "error", err)
	}
}
