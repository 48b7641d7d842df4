package journal

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestConcurrent appends and trims from several goroutines while one syncs: what
// was appended before a Sync began is on disk when it returns.
func TestConcurrent(t *testing.T) {
	const writers, records = 4, 3000
	mem := vfs.NewCrashableMem()
	j := openJournal(t, dir, small(mem))
	var done sync.WaitGroup
	var appended [writers]atomic.Uint64
	for w := range writers {
		done.Go(func() {
			topic := fmt.Sprint("topic-", w)
			for seq := range uint64(records) {
				if err := j.Append(topic, seq, value(topic, seq), trailer(topic, seq)); err != nil {
					t.Error(err)
					return
				}
				appended[w].Store(seq + 1)
				if seq%50 == 49 {
					j.Trim(topic, seq-40)
					_, _ = j.Bytes(), state(j)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { done.Wait(); close(finished) }()
	for last := false; !last; {
		select {
		case <-finished:
			last = true
		default:
		}
		var before [writers]uint64
		for w := range writers {
			before[w] = appended[w].Load()
		}
		must(t, j.Sync())
		left := mem.CrashClone(vfs.CrashCloneCfg{})
		after := openJournal(t, dir, small(left))
		for w := range writers {
			topic := fmt.Sprint("topic-", w)
			if s := state(after)[topic]; s.Next < before[w] {
				t.Fatalf("%+v, appended were %d", s, before[w])
			}
		}
		replay(t, after)
		must(t, after.Close())
	}
	must(t, j.Close())
	j = openJournal(t, dir, small(mem))
	for w := range writers {
		wantRange(t, j, fmt.Sprint("topic-", w), records-41, records)
	}
	must(t, j.Close())
}

// TestTopicDuringSync begins topics while the disk is busy, through changes of
// the file.
func TestTopicDuringSync(t *testing.T) {
	mem := vfs.NewMem()
	var j *Journal
	n := 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if j != nil && op.Kind == errorfs.OpFileWrite {
			n++
			appendRange(t, j, fmt.Sprint("new-", n), 0, 1)
		}
		return nil
	}))
	opened := openJournal(t, dir, small(fs))
	j = opened
	for first := uint64(0); first < 400; first += 20 {
		appendRange(t, opened, "alpha", first, first+20)
		must(t, opened.Sync())
	}
	j = nil
	must(t, opened.Close())
	opened = openJournal(t, dir, small(mem))
	wantRange(t, opened, "alpha", 0, 400)
	if got := len(state(opened)); got != n+1 || n < 10 {
		t.Errorf("%d topics, want %d", got, n+1)
	}
	must(t, opened.Close())
}

// TestCloseWhileAppending: every record is either refused, or there.
func TestCloseWhileAppending(t *testing.T) {
	mem := vfs.NewMem()
	j := openJournal(t, dir, small(mem))
	var taken atomic.Uint64
	var done sync.WaitGroup
	done.Go(func() {
		for seq := uint64(0); j.Append("alpha", seq, value("alpha", seq), trailer("alpha", seq)) == nil; seq++ {
			taken.Store(seq + 1)
			if seq%100 == 0 {
				_ = j.Sync() // may find it closed
			}
		}
	})
	for taken.Load() < 1000 {
		_, _ = j.Bytes(), state(j)
	}
	must(t, j.Close())
	done.Wait()
	j = openJournal(t, dir, small(mem))
	wantRange(t, j, "alpha", 0, taken.Load())
	must(t, j.Close())
}
