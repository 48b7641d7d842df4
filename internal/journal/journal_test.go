package journal

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/beckmesh/beck/protocol"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestRoundTrip(t *testing.T) {
	o := small(vfs.NewMem())
	j := openJournal(t, dir, o)
	uuid := j.UUID()
	must(t, protocol.ValidAddress(uuid))
	var want []string
	for seq := range uint64(40) { // topics in turn, with syncs between
		for _, topic := range []string{"alpha", "b\xff", strings.Repeat("c", 255)}[:1+seq%3] {
			next := state(j)[topic].Next
			appendRange(t, j, topic, next, next+1)
			want = append(want, fmt.Sprint(topic, " ", next))
		}
		if seq%7 == 0 {
			must(t, j.Sync())
		}
	}
	must(t, j.Sync())
	for range 3 { // reopened, it is the same
		if _, order := replay(t, j); !slices.Equal(order, want) {
			t.Fatalf("replayed %q, want %q", order, want)
		}
		before := state(j)
		must(t, j.Close())
		j = openJournal(t, dir, o)
		if after := state(j); fmt.Sprint(after) != fmt.Sprint(before) || j.UUID() != uuid {
			t.Fatalf("%s %+v, was %s %+v", j.UUID(), after, uuid, before)
		}
	}
	must(t, j.Close())
}

func TestFirstSequence(t *testing.T) {
	o := small(vfs.NewMem())
	j := openJournal(t, dir, o)
	appendRange(t, j, "alpha", 1000, 1003)
	appendRange(t, j, "omega", math.MaxUint64-2, math.MaxUint64)
	if err := j.Append("omega", math.MaxUint64, nil, nil); !errors.Is(err, ErrSequence) {
		t.Error(err)
	}
	must(t, j.Close())
	j = openJournal(t, dir, o)
	wantRange(t, j, "alpha", 1000, 1003)
	wantRange(t, j, "omega", math.MaxUint64-2, math.MaxUint64)
	must(t, j.Close())
}

func TestAppendRefuses(t *testing.T) {
	j := openJournal(t, dir, small(vfs.NewMem()))
	appendRange(t, j, "alpha", 0, 3)
	for _, c := range []struct {
		topic string
		seq   uint64
		want  error
	}{
		{"alpha", 2, ErrSequence},
		{"alpha", 4, ErrSequence},
		{"", 0, protocol.ErrTopic},
		{"a\x00b", 0, protocol.ErrTopic},
		{strings.Repeat("x", 256), 0, protocol.ErrTopic},
	} {
		if err := j.Append(c.topic, c.seq, nil, nil); !errors.Is(err, c.want) {
			t.Errorf("%.10q %d: %v, want %v", c.topic, c.seq, err, c.want)
		}
	}
	must(t, j.Sync())
	wantRange(t, j, "alpha", 0, 3)
	if len(state(j)) != 1 {
		t.Error("a refused record made a topic")
	}
	must(t, j.Close())
	must(t, j.Close())
	if err := j.Append("alpha", 3, nil, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := j.Sync(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := j.Replay(nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	j.Trim("alpha", 1) // does nothing
}

func TestTooManyTopics(t *testing.T) {
	o := Options{FS: vfs.NewMem(), Logger: quiet}
	j := openJournal(t, dir, o)
	for i := range MaxTopics {
		must(t, j.Append(fmt.Sprint("topic-", i), 0, nil, nil))
	}
	for n := range uint64(2) {
		if err := j.Append("another", 0, nil, nil); !errors.Is(err, ErrTopics) {
			t.Fatal(err)
		}
		must(t, j.Append("topic-77", n+1, nil, nil))
		must(t, j.Close())
		j = openJournal(t, dir, o)
		if n := len(state(j)); n != MaxTopics {
			t.Fatalf("%d topics", n)
		}
	}
	must(t, j.Close())
}

func TestRecordSize(t *testing.T) {
	for _, c := range []struct {
		value, trailer int
		ok             bool
	}{
		{MaxRecord, 0, true}, {0, MaxRecord, true}, {MaxRecord - 1, 1, true},
		{MaxRecord + 1, 0, false}, {MaxRecord, 1, false}, {math.MaxInt, math.MaxInt, false},
	} {
		if err := checkSize(c.value, c.trailer); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d, %d: %v", c.value, c.trailer, err)
		}
	}
}

// TestLargeRecords: batches of many frames, and frames of one record.
func TestLargeRecords(t *testing.T) {
	o := Options{FS: vfs.NewMem(), Logger: quiet}
	j := openJournal(t, dir, o)
	large := func(seq uint64) []byte { return []byte(strings.Repeat(fmt.Sprint(seq, "/"), 40<<10)) }
	for seq := range uint64(40) {
		must(t, j.Append("large", seq, large(seq), nil))
	}
	must(t, j.Close())
	j = openJournal(t, dir, o)
	next := uint64(0)
	must(t, j.Replay(func(_ string, seq uint64, v, _ []byte) error {
		if seq != next || string(v) != string(large(seq)) {
			t.Fatalf("record %d of %d bytes, want %d", seq, len(v), next)
		}
		next++
		return nil
	}))
	if next != 40 {
		t.Fatalf("%d records", next)
	}
	must(t, j.Close())
}

func TestReplayEndsByError(t *testing.T) {
	j := openJournal(t, dir, small(vfs.NewMem()))
	appendRange(t, j, "alpha", 0, 10)
	must(t, j.Sync())
	stop, n := errors.New("stop"), 0
	err := j.Replay(func(string, uint64, []byte, []byte) error { n++; return stop })
	if !errors.Is(err, stop) || errors.Is(err, ErrCorrupt) || n != 1 {
		t.Fatal(n, err)
	}
	must(t, j.Close())
}

// TestTrimFrees: whole files go when all of their records are trimmed, oldest
// first, and the next sequence stays when nothing is left.
func TestTrimFrees(t *testing.T) {
	o := small(vfs.NewMem())
	j := openJournal(t, dir, o)
	for first := uint64(0); first < 400; first += 20 {
		appendRange(t, j, "alpha", first, first+20)
		must(t, j.Sync())
	}
	appendRange(t, j, "beta", 7, 8)
	must(t, j.Sync())
	full := files(t, o.FS)
	if len(full) < 4 {
		t.Fatalf("files %v", names(full))
	}
	wantBytes(t, j, o.FS)

	j.Trim("nobody", 5)
	j.Trim("alpha", 200)
	j.Trim("alpha", 100) // a trim never goes back
	must(t, j.Sync())
	half := files(t, o.FS)
	if len(half) >= len(full) || len(half) < 2 {
		t.Fatalf("files %v, were %v", names(half), names(full))
	}
	wantBytes(t, j, o.FS)
	wantRange(t, j, "alpha", 200, 400)

	j.Trim("alpha", 1000) // no further than it goes
	must(t, j.Sync())
	wantRange(t, j, "alpha", 400, 400)
	wantRange(t, j, "beta", 7, 8)
	if left := files(t, o.FS); len(left) != 1 {
		t.Fatalf("files %v", names(left))
	}
	must(t, j.Close())
	for range 3 {
		j = openJournal(t, dir, o)
		wantRange(t, j, "alpha", 400, 400)
		wantRange(t, j, "beta", 7, 8)
		must(t, j.Close())
	}
	j = openJournal(t, dir, o)
	j.Trim("beta", 8)
	must(t, j.Close())
	j = openJournal(t, dir, o)
	wantRange(t, j, "beta", 8, 8)
	appendRange(t, j, "alpha", 400, 410)
	must(t, j.Sync())
	wantRange(t, j, "alpha", 400, 410)
	if left := files(t, o.FS); len(left) != 1 {
		t.Errorf("files %v", names(left))
	}
	must(t, j.Close())
}

func wantBytes(t *testing.T, j *Journal, fs vfs.FS) {
	t.Helper()
	sum := 0
	for _, raw := range files(t, fs) {
		sum += len(raw)
	}
	if j.Bytes() != int64(sum) {
		t.Fatalf("%d bytes, the files have %d", j.Bytes(), sum)
	}
}

// TestTrimHeldBack: one record that nobody acknowledges keeps the files behind
// it.
func TestTrimHeldBack(t *testing.T) {
	o := small(vfs.NewMem())
	j := openJournal(t, dir, o)
	appendRange(t, j, "held", 0, 1)
	for first := uint64(0); first < 400; first += 20 {
		appendRange(t, j, "alpha", first, first+20)
		must(t, j.Sync())
		j.Trim("alpha", first+20)
	}
	must(t, j.Sync())
	before := len(files(t, o.FS))
	must(t, j.Close())
	j = openJournal(t, dir, o)
	wantRange(t, j, "held", 0, 1)
	wantRange(t, j, "alpha", 400, 400)
	j.Trim("held", 1)
	must(t, j.Sync())
	if after := len(files(t, o.FS)); before < 4 || after != 1 {
		t.Errorf("%d files, then %d", before, after)
	}
	must(t, j.Close())
}

// TestRestartsLeaveFewFiles: a producer that is started often and never
// acknowledged does not fill the directory with files.
func TestRestartsLeaveFewFiles(t *testing.T) {
	o := Options{FS: vfs.NewMem(), Logger: quiet}
	for n := range uint64(50) {
		j := openJournal(t, dir, o)
		appendRange(t, j, "alpha", n, n+1)
		must(t, j.Close())
	}
	if left := files(t, o.FS); len(left) != 1 {
		t.Errorf("files %v", names(left))
	}
	j := openJournal(t, dir, o)
	wantRange(t, j, "alpha", 0, 50)
	must(t, j.Close())
}

// TestTrimsSurviveKill: trims are written without waiting for the disk; a
// process that is killed leaves them to the system.
func TestTrimsSurviveKill(t *testing.T) {
	mem := vfs.NewCrashableMem()
	j := openJournal(t, dir, small(mem))
	appendRange(t, j, "alpha", 0, 10)
	must(t, j.Sync())
	j.Trim("alpha", 6)
	must(t, j.Sync())
	left := withFiles(t, files(t, mem))
	must(t, j.Close())
	j = openJournal(t, dir, small(left))
	wantRange(t, j, "alpha", 6, 10)
	must(t, j.Close())
}
