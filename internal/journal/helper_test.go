package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

const dir = "/data/journal"

// small are options for tests in memory: segments are as small as they can be.
func small(fs vfs.FS) Options { return Options{FS: fs, SegmentBytes: 4 << 10, Logger: quiet} }

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

func openJournal(t fataler, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// value and trailer are what the tests append under a sequence. Every third
// record has a trailer, every fifth has no value.
func value(topic string, seq uint64) []byte {
	if seq%5 == 4 {
		return nil
	}
	return []byte(strings.Repeat(fmt.Sprintf("%s-%d.", topic, seq), int(1+seq%7)))
}

func trailer(topic string, seq uint64) []byte {
	if seq%3 != 0 {
		return nil
	}
	return fmt.Appendf(nil, "trailer %s %d", topic, seq)
}

func appendRange(t fataler, j *Journal, topic string, first, next uint64) {
	t.Helper()
	for seq := first; seq < next; seq++ {
		must(t, j.Append(topic, seq, value(topic, seq), trailer(topic, seq)))
	}
}

// state returns the topics by name.
func state(j *Journal) map[string]Topic {
	m := map[string]Topic{}
	for s := range j.Topics() {
		m[s.Name] = s
	}
	return m
}

// replay reads everything, fails if a record is wrong, and returns the
// sequences per topic and the order of all records.
func replay(t fataler, j *Journal) (seqs map[string][]uint64, order []string) {
	t.Helper()
	seqs = map[string][]uint64{}
	must(t, j.Replay(func(topic string, seq uint64, v, tr []byte) error {
		if !bytes.Equal(v, value(topic, seq)) || !bytes.Equal(tr, trailer(topic, seq)) {
			t.Fatalf("%s record %d is %q %q", topic, seq, v, tr)
		}
		seqs[topic] = append(seqs[topic], seq)
		order = append(order, fmt.Sprint(topic, " ", seq))
		return nil
	}))
	return seqs, order
}

// wantRange fails unless the records of topic are first to next-1, according to
// Topics and to Replay.
func wantRange(t fataler, j *Journal, topic string, first, next uint64) {
	t.Helper()
	if got, want := state(j)[topic], (Topic{topic, first, next}); got != want {
		t.Fatalf("state %+v, want %+v", got, want)
	}
	seqs, _ := replay(t, j)
	if got, want := seqs[topic], sequence(first, next); !slices.Equal(got, want) {
		t.Fatalf("%s: replayed %v, want %v", topic, got, want)
	}
}

func sequence(first, next uint64) (out []uint64) {
	for ; first < next; first++ {
		out = append(out, first)
	}
	return out
}

// files returns the content of dir without the lock.
func files(t fataler, fs vfs.FS) map[string][]byte {
	t.Helper()
	names, err := fs.List(dir)
	must(t, err)
	content := map[string][]byte{}
	for _, name := range names {
		if _, ok := segmentNumber(name); !ok {
			continue
		}
		f, err := fs.Open(fs.PathJoin(dir, name))
		must(t, err)
		raw, err := io.ReadAll(f)
		must(t, errors.Join(err, f.Close()))
		content[name] = raw
	}
	return content
}

// withFiles returns a file system that holds dir with these files.
func withFiles(t fataler, content map[string][]byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	must(t, fs.MkdirAll(dir, 0o755))
	for name, raw := range content {
		f, err := fs.Create(fs.PathJoin(dir, name), vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = f.Write(slices.Clone(raw))
		must(t, errors.Join(err, f.Close()))
	}
	return fs
}

func names(content map[string][]byte) []string {
	var list []string
	for name := range content {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// wantRefused fails unless opening dir gives want, in an error that contains
// hint.
func wantRefused(t fataler, dir string, o Options, want error, hint string) {
	t.Helper()
	j, err := Open(dir, o)
	if err == nil {
		must(t, j.Close())
		t.Fatalf("%q was opened", dir)
	}
	if want != nil && !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), hint) {
		t.Fatalf("error %q does not name %q and %q", err, dir, hint)
	}
}

var _ fataler = (*testing.T)(nil)
