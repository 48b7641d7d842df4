package core

import (
	"fmt"
	"testing"
)

// However many topics are written in turn, most of a window is records: what is
// free in their newest chunks is a small part of it.
func TestWindowOfManyTopics(t *testing.T) {
	const size, window = 200, 64 << 20
	for _, topics := range []int{1, 10, 100, 1000, 10_000} {
		w := NewWindow(WindowConfig{Bytes: window})
		logs := make([]*Log, topics)
		for i := range logs {
			logs[i], _ = w.Log(fmt.Sprint("t", i))
		}
		for n := range 4 * window / size {
			l := logs[n%topics]
			c := w.Reserve(l, size)
			if c == nil {
				t.Fatalf("%d topics: no room for record %d", topics, n)
			}
			l.Commit(c, size)
		}
		kept, fewest := 0, window
		for _, l := range logs {
			n := 0
			for _, c := range l.chunks {
				n += c.Size
			}
			kept, fewest = kept+n, min(fewest, n)
		}
		if kept < window*7/10 || fewest < window/topics/2 {
			t.Errorf("%d topics: %d of %d bytes are records, %d of the topic that has fewest", topics, kept, window, fewest)
		}
	}
}
