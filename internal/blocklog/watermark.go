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

// watermark keeps the number of commits in a file of its own, where damage to
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
type watermark struct {
	dir     *home.Dir
	file    vfs.File // nil after an error: it is opened again
	slot    int64    // to be written next
	commits uint64   // what it says
	at      time.Time
}

const (
	watermarkName    = "watermark"
	watermarkMagic   = "beckmark"
	watermarkLen     = len(watermarkMagic) + 8 + crcLen
	watermarkSpacing = 4 << 10
	// watermarkEvery is how far it may lag while there are commits.
	watermarkEvery = time.Second
)

// openWatermark reads the watermark. A file that is missing or damaged says nothing.
func openWatermark(dir *home.Dir) (*watermark, error) {
	w := &watermark{dir: dir}
	if err := w.open(); err != nil {
		return nil, err
	}
	if err := w.read(); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return w, nil
}

// read looks for the higher one of the two slots.
func (w *watermark) read() error {
	for i := range int64(2) {
		raw := make([]byte, watermarkLen)
		if _, err := w.file.ReadAt(raw, i*watermarkSpacing); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				continue
			}
			return err
		}
		if n, ok := parseWatermark(raw); ok && n >= w.commits {
			w.commits, w.slot = n, 1-i
		}
	}
	return nil
}

func (w *watermark) open() (err error) {
	w.file, err = w.dir.FS.OpenReadWrite(w.dir.File(watermarkName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err = w.dir.Sync(); err != nil { // it may be new
		err = errors.Join(err, w.file.Close())
		w.file = nil
	}
	return err
}

func parseWatermark(raw []byte) (commits uint64, ok bool) {
	n := len(raw) - crcLen
	if !bytes.HasPrefix(raw, []byte(watermarkMagic)) || crc(raw[:n]) != binary.BigEndian.Uint32(raw[n:]) {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[len(watermarkMagic):]), true
}

// due says whether the watermark lags for long enough.
func (w *watermark) due(commits uint64, now time.Time) bool {
	return commits > w.commits && (now.Sub(w.at) >= watermarkEvery || now.Before(w.at))
}

// set writes it and returns when it is on disk. A failed fsync is not
// repeated: the next call opens the file anew and writes to the other slot.
func (w *watermark) set(commits uint64, now time.Time) error {
	w.at = now
	if w.file == nil {
		if err := w.open(); err != nil {
			return err
		}
	}
	raw := binary.BigEndian.AppendUint64([]byte(watermarkMagic), commits)
	raw = binary.BigEndian.AppendUint32(raw, crc(raw))
	_, err := w.file.WriteAt(raw, w.slot*watermarkSpacing)
	if err == nil {
		err = w.file.Sync()
	}
	w.slot = 1 - w.slot
	if err != nil {
		err = errors.Join(err, w.file.Close())
		w.file = nil
		return err
	}
	w.commits = commits
	return nil
}

func (w *watermark) close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

// keepWatermark writes the watermark if it lags, in any case if now is zero. It needs
// writing to be held. An error costs nothing but the knowledge of how much there
// has to be, should Pebble's files be damaged before the next one is written.
func (l *Log) keepWatermark(now time.Time) {
	if !now.IsZero() && !l.watermark.due(l.seal.commits, now) || l.seal.commits == l.watermark.commits {
		return
	}
	if err := l.watermark.set(l.seal.commits, now); err != nil {
		l.opts.Logger.Warn("how much is on disk cannot be noted", "file", l.home.File(watermarkName), "error", err)
	}
}
