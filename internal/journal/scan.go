package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// What ends the frames of a segment other than the end of the file.
var (
	errFrameHead = errors.New("a frame's header is bad")
	errFrameLen  = errors.New("a frame runs out of the file")
	errFrameSum  = errors.New("a frame's checksum does not match")
)

// corrupt is an [ErrCorrupt] about a file.
func corrupt(path string, offset int64, cause error) error {
	return fmt.Errorf("%w: %q at byte %d: %w; restore the file, or move the journal away to begin a new one",
		ErrCorrupt, path, offset, cause)
}

// openSegment reads the header of a segment.
func openSegment(fs vfs.FS, path string) (*segment, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := readSegment(f, path)
	return s, errors.Join(err, f.Close())
}

func readSegment(f vfs.File, path string) (*segment, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size < headerPrefix {
		return nil, corrupt(path, 0, errLength)
	}
	prefix := make([]byte, headerPrefix)
	if _, err := io.ReadFull(f, prefix); err != nil {
		return nil, err
	}
	n, err := headerLen(prefix, size)
	if err != nil {
		return nil, corrupt(path, 0, err)
	}
	raw := append(prefix, make([]byte, n-headerPrefix)...)
	if _, err := io.ReadFull(f, raw[headerPrefix:]); err != nil {
		return nil, err
	}
	h, err := parseHeader(raw)
	switch {
	case errors.Is(err, ErrFormat):
		return nil, fmt.Errorf("%q: %w; use a newer beck", path, err)
	case err != nil:
		return nil, corrupt(path, 0, err)
	}
	return &segment{header: h, path: path, start: n, size: size, end: size}, nil
}

// visitor gets a frame that is intact. Entries are valid only during the call.
type visitor func(offset int64, h frameHead, entries []byte) error

// frames visits the frames of s from one offset to another and returns where
// they end: at to, or at the first bad one, whose fault is named. An error of
// the visitor or of reading ends it as well.
func (s *segment) frames(f io.ReaderAt, from, to int64, visit visitor) (end int64, fault, err error) {
	r := section(f, from, to)
	var buf []byte
	for end = from; end < to; {
		raw, err := r.Peek(frameHeader)
		if err == io.EOF {
			return end, errFrameHead, nil
		} else if err != nil {
			return end, nil, err
		}
		h, ok := parseFrameHead(raw, s.salt, end)
		if !ok {
			return end, errFrameHead, nil
		}
		if int64(h.length) > to-end-frameHeader {
			return end, errFrameLen, nil
		}
		if cap(buf) < int(h.length) {
			buf = make([]byte, h.length)
		}
		buf = buf[:h.length]
		if _, err := r.Discard(frameHeader); err != nil {
			return end, nil, err
		}
		if _, err := io.ReadFull(r, buf); err != nil {
			return end, nil, err
		}
		if crc(buf) != h.sum {
			return end, errFrameSum, nil
		}
		if err := visit(end, h, buf); err != nil {
			return end, nil, err
		}
		end += frameHeader + int64(h.length)
	}
	return end, nil, nil
}

// section reads a part of f with a buffer that fits.
func section(f io.ReaderAt, from, to int64) *bufio.Reader {
	size := min(max(to-from, frameHeader), frameBytes)
	return bufio.NewReaderSize(io.NewSectionReader(f, from, to-from), int(size))
}

// wasDurable looks behind a bad frame for the header of a later one which says
// that the bad one was on disk. Then it is no torn tail.
func (s *segment) wasDurable(f io.ReaderAt, bad int64) (bool, error) {
	r := section(f, bad, s.size)
	for offset := bad; ; offset++ {
		raw, err := r.Peek(frameHeader)
		if err == io.EOF {
			return false, nil
		} else if err != nil {
			return false, err
		}
		if h, ok := parseFrameHead(raw, s.salt, offset); ok && h.durable > bad {
			return true, nil
		}
		if _, err := r.Discard(1); err != nil {
			return false, err
		}
	}
}

// entries calls visit for the entries of the frames from one offset to another,
// which are whole or the journal is damaged. The offset is the frame's.
func (s *segment) entries(f io.ReaderAt, from, to int64, visit func(int64, entry) error) error {
	end, fault, err := s.frames(f, from, to, func(offset int64, _ frameHead, rest []byte) error {
		for len(rest) > 0 {
			e, tail, ok := cutEntry(rest)
			if !ok {
				return corrupt(s.path, offset, errEntry)
			}
			if err := visit(offset, e); err != nil {
				return err
			}
			rest = tail
		}
		return nil
	})
	if fault != nil {
		return corrupt(s.path, end, fault)
	}
	return err
}

// apply follows the entries of s from one offset to another in t, and returns
// the heads of the topics that have records there.
func (s *segment) apply(f io.ReaderAt, from, to int64, t *table) ([]head, error) {
	next := map[int]uint64{}
	err := s.entries(f, from, to, func(offset int64, e entry) error {
		if err := t.apply(e); err != nil {
			return corrupt(s.path, offset, err)
		}
		if e.kind == kindRecord {
			next[int(e.id)] = e.seq + 1
		}
		return nil
	})
	return heads(next), err
}

// reading calls use with the file of s.
func (s *segment) reading(fs vfs.FS, use func(io.ReaderAt) error) error {
	f, err := fs.Open(s.path)
	if err != nil {
		return err
	}
	return errors.Join(use(f), f.Close())
}
