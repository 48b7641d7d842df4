package journal

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/home"
	"github.com/beckmesh/beck/protocol"
)

func seedEntries() []byte {
	b := appendTopic(nil, "alpha", 5)
	b = appendRecord(b, 0, 5, []byte("value"), []byte("trailer"))
	b = appendRecord(b, 0, 6, nil, nil)
	b = appendTopic(b, strings.Repeat("b", 255), 1<<63)
	b = appendRecord(b, 1, 1<<63, bytes.Repeat([]byte("x"), 300), nil)
	return appendEnd(appendTrim(b, 0, 6))
}

// FuzzEntry: any bytes are refused or are an entry that is the same when it is
// encoded and parsed again.
func FuzzEntry(f *testing.F) {
	for b := seedEntries(); len(b) > 0; {
		f.Add(b)
		_, b, _ = cutEntry(b)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, rest, ok := cutEntry(raw)
		if !ok {
			return
		}
		if len(rest) >= len(raw) {
			t.Fatal("nothing was cut")
		}
		again, left, ok := cutEntry(append(e.append(nil), rest...))
		if !ok || !bytes.Equal(left, rest) || !bytes.Equal(again.append(nil), e.append(nil)) {
			t.Fatalf("%+v became %+v, rest %x became %x", e, again, rest, left)
		}
	})
}

// FuzzHeader: any bytes are refused or are a header that is the same when it is
// encoded and parsed again. The checksum is made to match.
func FuzzHeader(f *testing.F) {
	h := header{number: 3, previous: 99, salt: 7, uuid: protocol.NewAddress(), origin: home.Origin{Host: "host", Dir: 1, File: 2}}
	f.Add(h.append(nil))
	h.topics = []topicState{{"alpha", 9, 3}, {"beta", 1 << 40, 1 << 40}}
	f.Add(h.append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := parseHeader(raw); err == nil && len(raw) < headerPrefix {
			t.Fatal("a header out of nothing")
		}
		if len(raw) < headerPrefix {
			return
		}
		raw = bytes.Clone(raw)
		sum := prefixSum(raw)
		raw[16], raw[17], raw[18], raw[19] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
		h, err := parseHeader(raw)
		if err != nil {
			return
		}
		again, err := parseHeader(h.append(nil))
		if err != nil || !reflect.DeepEqual(h, again) {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}

// FuzzOpen puts any entries into an intact frame of an intact segment: the
// journal is refused by name, or what it says of itself is what it replays, then
// and when it is opened again.
func FuzzOpen(f *testing.F) {
	f.Add(seedEntries())
	f.Add(appendTrim(nil, 0, 1))
	f.Add(appendRecord(appendTopic(nil, "a", 0), 0, 1, nil, nil))
	f.Fuzz(func(t *testing.T, entries []byte) {
		if len(entries) == 0 {
			return
		}
		h := header{number: 1, salt: 7, uuid: protocol.NewAddress()}
		raw := h.append(nil)
		frame := append(make([]byte, frameHeader), entries...)
		sealFrame(frame, h.salt, int64(len(raw)), int64(len(raw)))
		fs := withFiles(t, map[string][]byte{segmentName(1): append(raw, frame...)})
		j, err := Open(dir, small(fs))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), segmentName(1)) {
				t.Fatal(err)
			}
			return
		}
		before := contents(t, j)
		must(t, j.Close())
		j = openJournal(t, dir, small(fs))
		if after := contents(t, j); after != before {
			t.Fatalf("%s, was %s", after, before)
		}
		must(t, j.Close())
	})
}

// contents describes all that a journal holds, and checks that its topics match.
func contents(t *testing.T, j *Journal) string {
	t.Helper()
	var out strings.Builder
	topics := state(j)
	next := map[string]uint64{}
	for s := range j.Topics() {
		next[s.Name] = s.First
		fmt.Fprintf(&out, "%+v\n", s)
	}
	must(t, j.Replay(func(topic string, seq uint64, v, tr []byte) error {
		if seq != next[topic] {
			t.Fatalf("%q: record %d, want %d", topic, seq, next[topic])
		}
		next[topic]++
		fmt.Fprintf(&out, "%q %d %q %q\n", topic, seq, v, tr)
		return nil
	}))
	for name, s := range topics {
		if next[name] != s.Next {
			t.Fatalf("%+v, replayed up to %d", s, next[name])
		}
	}
	return out.String()
}
