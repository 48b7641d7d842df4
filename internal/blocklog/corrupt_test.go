package blocklog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// spoil changes the stored bytes of the block that begins at first.
func spoil(t fataler, l *Log, p Partition, first uint64, change func([]byte)) {
	t.Helper()
	key := blocks.appendKey(nil, p, first)
	raw, closer, err := l.db.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.Clone(raw)
	change(raw)
	if err := errors.Join(closer.Close(), l.db.Set(key, raw, pebble.Sync)); err != nil {
		t.Fatal(err)
	}
}

func flip(b []byte) { b[len(b)/2] ^= 4 }

// threeBlocks commits records 0 to 29 in blocks of ten.
func threeBlocks(t *testing.T, l *Log) {
	t.Helper()
	for first := uint64(0); first < 30; first += 10 {
		commitRange(t, l, alpha, first, first+10)
	}
}

func TestDamagedBlock(t *testing.T) {
	o := small(vfs.NewMem())
	for _, c := range []struct {
		name        string
		first, next uint64
		change      func([]byte)
	}{
		{"middle", 10, 20, flip},
		{"first", 0, 10, flip},
		{"last", 20, 30, flip},
		{"header", 10, 20, func(b []byte) { b[11] ^= 1 }},
		{"under the wrong key", 10, 20, func(b []byte) { reseal(b, func(b []byte) { b[9]++ }) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := openLog(t, "/"+c.name, o)
			threeBlocks(t, l)
			state, _ := l.State(alpha)
			spoil(t, l, alpha, c.first, c.change)

			got, err := readSeqs(t, l, alpha, 0, 0)
			wantCorrupt(t, err, c.first, c.next, true)
			if fmt.Sprint(got) != fmt.Sprint(sequence(0, c.first)) {
				t.Fatalf("served %v", got)
			}
			rest := slices.Concat(sequence(0, c.first), sequence(c.next, 30))
			for range 2 { // from now on it is a hole, also after a restart
				if got, err = readSeqs(t, l, alpha, 0, 0); err != nil || fmt.Sprint(got) != fmt.Sprint(rest) {
					t.Fatalf("read %v, %v", got, err)
				}
				now, _ := l.State(alpha)
				if now.Tail != 0 || now.Next != 30 || now.Records != 20 || now.Blocks != 2 || now.Updated != state.Updated {
					t.Fatalf("state %+v, was %+v", now, state)
				}
				wantSums(t, l, alpha)
				closeLog(t, l)
				l = openLog(t, "/"+c.name, o)
			}
			defer closeLog(t, l)
			raw, closer, err := l.db.Get(quarantine.appendKey(nil, alpha, c.first))
			if err != nil || len(raw) < blockOverhead {
				t.Fatalf("not kept: %q, %v", raw, err)
			}
			if err := closer.Close(); err != nil {
				t.Fatal(err)
			}
			commitRange(t, l, alpha, 30, 35)
			wantRange(t, l, alpha, 30, 30, 35)
		})
	}
}

func wantCorrupt(t *testing.T, err error, first, next uint64, quarantined bool) {
	t.Helper()
	var bad *CorruptError
	if !errors.As(err, &bad) || !errors.Is(err, ErrCorrupt) {
		t.Fatalf("error %v, want ErrCorrupt", err)
	}
	if bad.Partition != alpha || bad.First != first || bad.Next != next || bad.Quarantined != quarantined {
		t.Fatalf("%+v, want %d to %d", bad, first, next)
	}
	for _, part := range []string{alpha.String(), fmt.Sprintf("%d to %d", first, next-1)} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
}

// TestDamagedBlockManyReaders meets one bad block from many sides at once.
func TestDamagedBlockManyReaders(t *testing.T) {
	l := openLog(t, "/store", small(vfs.NewMem()))
	defer closeLog(t, l)
	threeBlocks(t, l)
	spoil(t, l, alpha, 10, flip)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := l.Read(alpha, 5, 0, func(r Record) bool {
				if r.Seq >= 10 && r.Seq < 20 {
					t.Errorf("served %d", r.Seq)
				}
				return true
			})
			if err != nil && !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
		})
	}
	commitRange(t, l, alpha, 30, 40)
	wg.Wait()
}

func TestDamagedLastBlockAtOpen(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	threeBlocks(t, l)
	spoil(t, l, alpha, 20, flip)
	closeLog(t, l)
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	wantRange(t, l, alpha, 0, 0, 20)
	if s, _ := l.State(alpha); s.Next != 30 {
		t.Errorf("state %+v: what was acknowledged may come again as something else", s)
	}
}

// TestStateRepaired opens databases whose states do not match the blocks.
func TestStateRepaired(t *testing.T) {
	key := states.appendPrefix(nil, alpha)
	stale := []byte("\x83\xa1v\x01\xa4tail\x03\xa4next\x0a") // tail 3, next 10
	ahead := []byte("\x83\xa1v\x01\xa4tail\x00\xa4next\x64") // next 100
	for _, c := range []struct {
		name   string
		change func(l *Log) error
		tail   uint64
	}{
		{"missing", func(l *Log) error { return l.db.Delete(key, pebble.Sync) }, 0},
		{"stale", func(l *Log) error { return l.db.Set(key, stale, pebble.Sync) }, 3},
		{"ahead", func(l *Log) error { return l.db.Set(key, ahead, pebble.Sync) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := small(vfs.NewMem())
			l := openLog(t, "/store", o)
			commitRange(t, l, Partition{"aaaa", producer(2)}, 0, 10) // a neighbour on each side
			commitRange(t, l, Partition{"zzzz", producer(2)}, 7, 10)
			threeBlocks(t, l)
			before, _ := l.State(alpha)
			if err := c.change(l); err != nil {
				t.Fatal(err)
			}
			closeLog(t, l)
			var log bytes.Buffer
			o.Logger = textLogger(&log)
			for range 2 {
				l = openLog(t, "/store", o)
				s, _ := l.State(alpha)
				if s.Tail != c.tail || s.Next != 30 || s.Records != 30-c.tail || s.Bytes != before.Bytes {
					t.Fatalf("state %+v", s)
				}
				wantSums(t, l, alpha)
				wantRange(t, l, alpha, 0, c.tail, 30)
				closeLog(t, l)
			}
			if n := strings.Count(log.String(), "was repaired"); n != 1 {
				t.Errorf("%d repairs in the log:\n%s", n, &log)
			}
		})
	}
}

// TestStateRepairedBehindQuarantine has a state lost whose partition ended in a
// large range that was put in quarantine.
func TestStateRepairedBehindQuarantine(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/store", o)
	threeBlocks(t, l)
	gone := binary.BigEndian.AppendUint64(nil, 9000)
	if err := errors.Join(l.db.Set(quarantine.appendKey(nil, alpha, 30), gone, pebble.Sync),
		l.db.Delete(states.appendPrefix(nil, alpha), pebble.Sync)); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = openLog(t, "/store", o)
	defer closeLog(t, l)
	if s, _ := l.State(alpha); s.Tail != 0 || s.Next != 9000 || s.Records != 30 {
		t.Errorf("%+v", s)
	}
	wantSums(t, l, alpha)
	commitRange(t, l, alpha, 9000, 9010)
	wantSums(t, l, alpha)
	wantHoles(t, l, alpha, Range{30, 9000})
}

// TestDamagedFile flips a byte in Pebble's files, below its own checksums.
// Whatever is hit: a wrong record is never served, what is missing is named,
// and Read can go on behind it.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small(nil))
	const total = 400
	for first := uint64(0); first < total; first += 20 {
		commitRange(t, l, alpha, first, first+20)
	}
	large := fill(8 << 10) // its value lies in a file of its own
	b := l.NewBuilder()
	if err := b.Append(total, large, nil); err != nil {
		t.Fatal(err)
	}
	commitBuilder(t, l, alpha, b)
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	damaged := 0
	for _, pattern := range []string{"*.sst", "*.blob"} {
		names, err := filepath.Glob(filepath.Join(dir, pebbleName, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, name := range names {
			for percent := int64(10); percent < 90; percent += 30 {
				damaged += readDamaged(t, dir, filepath.Base(name), percent, total, large)
			}
		}
	}
	if damaged == 0 {
		t.Error("no flipped byte was met")
	}
}

// readDamaged flips one byte of a file in a copy of the directory, reads all, and
// mends it. It returns the number of damaged ranges met.
func readDamaged(t *testing.T, dir, name string, percent int64, total uint64, large []byte) int {
	t.Helper()
	whole := dir
	dir = filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	flipByte(t, filepath.Join(dir, pebbleName, name), percent)
	o := small(nil)
	l, err := Open(dir, o)
	if err != nil {
		if !pebble.IsCorruptionError(err) {
			t.Fatalf("%s at %d%%: %v", name, percent, err)
		}
		return 1 // refused as a whole, which is fine
	}
	defer closeLog(t, l)
	damaged, next := 0, uint64(0)
	var met []Range
	for {
		err := l.Read(alpha, next, 0, func(r Record) bool {
			want, wantTrailer := damagedRecord(r.Seq, total, large)
			if r.Seq != next || !bytes.Equal(r.Content, want) || !bytes.Equal(r.Trailer, wantTrailer) {
				t.Errorf("%s at %d%%: record %d (want %d) is wrong", name, percent, r.Seq, next)
			}
			next = r.Seq + 1
			return true
		})
		if err == nil {
			break
		}
		var bad *CorruptError
		if !errors.As(err, &bad) || bad.First != next || bad.Next <= next || bad.Partition != alpha {
			t.Fatalf("%s at %d%%, at %d: %v", name, percent, next, err)
		}
		// Met again, it is known: no more seconds are spent on it.
		var again *CorruptError
		if _, err := readSeqs(t, l, alpha, next, 0); !errors.As(err, &again) || again != bad {
			t.Fatalf("%s at %d%%, again at %d: %v", name, percent, next, err)
		}
		damaged++
		next = bad.Next
		met = append(met, Range{bad.First, bad.Next})
	}
	if got := l.Unreadable(alpha); !slices.Equal(got, met) {
		t.Errorf("%s at %d%%: unreadable are %v, want %v", name, percent, got, met)
	}
	if next != total+1 {
		t.Fatalf("%s at %d%%: ended at %d", name, percent, next)
	}
	if damaged > 0 {
		mend(t, l, name, percent, total, large)
	}
	return damaged
}

// mend cuts out what is damaged, fills it in and reads all.
func mend(t *testing.T, l *Log, name string, percent int64, total uint64, large []byte) {
	t.Helper()
	at := fmt.Sprintf("%s at %d%%", name, percent)
	if cut, err := l.CutOut(alpha); !slices.Equal(cut, []Partition{alpha}) || err != nil {
		t.Fatalf("%s: cut out: %v, %v", at, cut, err)
	}
	if left := l.Unreadable(alpha); len(left) > 0 {
		t.Errorf("%s: still unreadable: %v", at, left)
	}
	holes, err := l.Holes(alpha)
	if err != nil || len(holes) == 0 {
		t.Fatalf("%s: holes %v, %v", at, holes, err)
	}
	for _, h := range holes {
		fillHole(t, l, h, total, large)
	}
	if s, _ := l.State(alpha); s.Records != total+1 || s.Next != total+1 {
		t.Errorf("%s: %+v", at, s)
	}
	for from := range total + 1 {
		next := from
		err := l.Read(alpha, from, 0, func(r Record) bool {
			want, wantTrailer := damagedRecord(r.Seq, total, large)
			if r.Seq != next || !bytes.Equal(r.Content, want) || !bytes.Equal(r.Trailer, wantTrailer) {
				t.Errorf("%s: record %d (want %d) is wrong", at, r.Seq, next)
			}
			next = r.Seq + 1
			return true
		})
		if err != nil || next != total+1 {
			t.Errorf("%s: from %d up to %d: %v", at, from, next, err)
		}
	}
	wantSums(t, l, alpha)
}

// damagedRecord returns what is at an offset.
func damagedRecord(seq, total uint64, large []byte) (value, trail []byte) {
	if seq == total {
		return large, nil
	}
	return content(alpha, seq), trailer(seq)
}

func fillHole(t *testing.T, l *Log, h Range, total uint64, large []byte) {
	t.Helper()
	b, batch := l.NewBuilder(), l.NewBatch()
	for seq := h.First; seq < h.Next; seq++ {
		content, trailer := damagedRecord(seq, total, large)
		if err := b.Append(seq, content, trailer); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(batch.Fill(alpha, b), batch.Commit()); err != nil {
		t.Fatalf("fill %v: %v", h, err)
	}
}

func flipByte(t *testing.T, name string, percent int64) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[int64(len(raw))*percent/100] ^= 0x10
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
