package journal

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// damage opens content with one file changed. Refused, the error is about the
// file; opened, what is there is right, and part of what was. It returns whether
// it was opened, and the head of alpha.
func damage(t *testing.T, content map[string][]byte, name string, raw []byte) (opened bool, next uint64) {
	t.Helper()
	m := map[string][]byte{}
	for n, r := range content {
		m[n] = r
	}
	m[name] = raw
	o := small(withFiles(t, m))
	j, err := Open(dir, o)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), name) {
			t.Fatalf("%s: %v", name, err)
		}
		maps.DeleteFunc(m, func(n string, _ []byte) bool { _, ok := segmentNumber(n); return !ok })
		if after := files(t, o.FS); !equalFiles(after, m) {
			t.Fatalf("%s: refused, but changed", name)
		}
		return false, 0
	}
	topics := state(j)
	seqs, _ := replay(t, j)
	for topic, s := range topics {
		if !slices.Equal(seqs[topic], sequence(s.First, s.Next)) {
			t.Fatalf("%s: %s is %+v, replayed %v", name, topic, s, seqs[topic])
		}
	}
	must(t, j.Close())
	return true, topics["alpha"].Next
}

func equalFiles(a, b map[string][]byte) bool {
	for name, raw := range b {
		if !bytes.Equal(a[name], raw) {
			return false
		}
	}
	return len(a) == len(b)
}

// offsets returns where the frames of a segment begin, and its end.
func offsets(t *testing.T, content map[string][]byte, name string) (list []int64) {
	t.Helper()
	fs := withFiles(t, content)
	s, err := openSegment(fs, fs.PathJoin(dir, name))
	must(t, err)
	f, err := fs.Open(s.path)
	must(t, err)
	end, _, err := s.frames(f, s.start, s.size, func(offset int64, _ frameHead, _ []byte) error {
		list = append(list, offset)
		return nil
	})
	must(t, errors.Join(err, f.Close()))
	return append(list, end)
}

// TestBitFlips flips a bit in every byte of every file of a journal that was
// killed, and in every fifth of one that was closed. Only the tail of the last file may be cut.
func TestBitFlips(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	rng := rand.New(rand.NewPCG(1, 0))
	for _, step := range []int{1, 5} {
		closed := step > 1
		content := segments(t, closed)
		list := names(content)
		for i, name := range list {
			frames := offsets(t, content, name)
			tail := frames[len(frames)-2] // the last frame
			for at := rng.IntN(step); at < len(content[name]); at += step {
				raw := slices.Clone(content[name])
				raw[at] ^= 1 << rng.IntN(8)
				opened, next := damage(t, content, name, raw)
				isTail := i == len(list)-1 && int64(at) >= tail
				if opened != isTail {
					t.Fatalf("%s of %d files, byte %d of %d (last frame at %d): opened %v", name, len(list), at, len(raw), tail, opened)
				}
				if closed && opened && next != 200 {
					t.Fatalf("%s, byte %d: a journal that was closed has alpha up to %d", name, at, next)
				}
			}
		}
	}
}

// TestTornTail cuts the last file at every byte, fills up with zeros or noise,
// and loses exactly what was written behind.
func TestTornTail(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	content := segments(t, false)
	list := names(content)
	name := list[len(list)-1]
	frames := offsets(t, content, name)
	heads := map[int64]uint64{}
	rng := rand.New(rand.NewPCG(1, 0))
	for at := range content[name] {
		raw := content[name][:at]
		fills := [][]byte{raw}
		if int64(at) >= frames[0] && at%4 == 0 {
			noise := make([]byte, len(content[name])-at)
			fills = append(fills, append(slices.Clone(raw), noise...))
			for i := range noise {
				noise[i] = byte(rng.Uint32())
			}
			fills = append(fills, append(slices.Clone(raw), noise...))
		}
		whole, _ := slices.BinarySearch(frames, int64(at)+1)
		for _, fill := range fills {
			opened, next := damage(t, content, name, fill)
			if opened != (whole > 0) {
				t.Fatalf("cut at %d, frames at %v: opened %v", at, frames, opened)
			}
			if !opened {
				continue
			}
			end := frames[whole-1]
			if want, ok := heads[end]; ok && want != next {
				t.Fatalf("cut at %d, frames at %v: alpha up to %d, want %d", at, frames, next, want)
			}
			heads[end] = next
		}
	}
	if n := len(frames); heads[frames[n-2]] >= 200 || heads[frames[0]] >= heads[frames[n-2]] {
		t.Fatalf("heads %v, frames at %v", heads, frames)
	}
}

// TestTornTailIsLogged: what is cut is said once, with the file.
func TestTornTailIsLogged(t *testing.T) {
	content := segments(t, false)
	list := names(content)
	name := list[len(list)-1]
	content[name] = content[name][:len(content[name])-1]
	var log bytes.Buffer
	o := small(withFiles(t, content))
	o.Logger = textLogger(&log)
	for range 3 {
		must(t, openJournal(t, dir, o).Close())
	}
	if n := strings.Count(log.String(), "middle of a write"); n != 1 || !strings.Contains(log.String(), name) {
		t.Errorf("%d lines: %s", n, &log)
	}
}

// TestFrameInRecord: a record may hold what looks like a frame of another
// segment at this very place. However the file around it is damaged, it is only
// a record.
func TestFrameInRecord(t *testing.T) {
	fake := bytes.Repeat([]byte("f"), frameHeader+10)
	write := func() (content map[string][]byte, at int64) {
		o := Options{FS: vfs.NewMem(), Logger: quiet}
		j := openJournal(t, dir, o)
		appendRange(t, j, "alpha", 0, 2)
		must(t, j.Sync())
		must(t, j.Append("alpha", 2, fake, nil))
		must(t, j.Sync())
		content = files(t, o.FS)
		must(t, j.Close())
		return content, int64(bytes.Index(content[segmentName(1)], fake))
	}
	_, at := write()
	sealFrame(fake, 99, at, at)
	content, again := write()
	if at < 0 || at != again {
		t.Fatalf("at %d, then %d", at, again)
	}
	frames := offsets(t, content, segmentName(1))
	content[segmentName(1)][frames[1]] ^= 1 // the last frame: a torn tail
	j := openJournal(t, dir, Options{FS: withFiles(t, content), Logger: quiet})
	wantRange(t, j, "alpha", 0, 2)
	must(t, j.Close())
}

// TestFrameHead: a frame means nothing at another place or in another segment.
func TestFrameHead(t *testing.T) {
	frame := append(make([]byte, frameHeader), "entries"...)
	sealFrame(frame, 5, 1000, 900)
	want := frameHead{crc([]byte("entries")), 7, 900}
	if h, ok := parseFrameHead(frame, 5, 1000); !ok || h != want {
		t.Errorf("%+v %v", h, ok)
	}
	if _, ok := parseFrameHead(frame, 5, 1001); ok {
		t.Error("at another offset")
	}
	if _, ok := parseFrameHead(frame, 6, 1000); ok {
		t.Error("in another segment")
	}
}

// TestTornTrims: trims are written without a sync. When a crash spoils them and
// not the records behind them, that is a torn tail, too.
func TestTornTrims(t *testing.T) {
	o := Options{FS: vfs.NewMem(), Logger: quiet}
	j := openJournal(t, dir, o)
	appendRange(t, j, "alpha", 0, 10)
	must(t, j.Sync())
	j.Trim("alpha", 5)
	must(t, j.Sync())
	appendRange(t, j, "alpha", 10, 20)
	must(t, j.Sync())
	content := files(t, o.FS)
	name := segmentName(1)
	frames := offsets(t, content, name)
	content[name][frames[1]] ^= 1
	left := openJournal(t, dir, small(withFiles(t, content)))
	wantRange(t, left, "alpha", 0, 10)
	must(t, left.Close())

	j.Trim("alpha", 15) // written behind it, this says that all was on disk
	must(t, j.Sync())
	content = files(t, o.FS)
	must(t, j.Close())
	content[name][frames[1]] ^= 1
	wantRefused(t, dir, small(withFiles(t, content)), ErrCorrupt, name)
}

// TestRotAfterOpen: bytes that go bad later are met by Replay.
func TestRotAfterOpen(t *testing.T) {
	mem := vfs.NewMem()
	j := openJournal(t, dir, small(mem))
	appendRange(t, j, "alpha", 0, 10)
	must(t, j.Sync())
	name := mem.PathJoin(dir, segmentName(1))
	f, err := mem.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.WriteAt([]byte{0xff}, j.active.end-3)
	must(t, errors.Join(err, f.Close()))
	err = j.Replay(func(string, uint64, []byte, []byte) error { return nil })
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), name) {
		t.Error(err)
	}
	must(t, j.Close())
}
