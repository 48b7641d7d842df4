package protocol

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// vector is a message captured from C nodes.
type vector struct {
	kind   string
	frames [][]byte
}

// cVectors reads testdata/dafka-c.jsonl.
func cVectors(tb testing.TB) []vector {
	tb.Helper()
	f, err := os.Open("testdata/dafka-c.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []vector
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct {
			Kind   string   `json:"kind"`
			Frames []string `json:"frames_hex"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatal(err)
		}
		v := vector{kind: line.Kind}
		for _, h := range line.Frames {
			b, err := hex.DecodeString(h)
			if err != nil {
				tb.Fatal(err)
			}
			v.frames = append(v.frames, b)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		tb.Fatal("no vectors")
	}
	return all
}

// ours are the messages that C nodes do not know.
var ours = map[Kind]bool{KindStored: true, KindQuery: true, KindReport: true}

// TestVectors takes every captured message apart and puts it together again.
func TestVectors(t *testing.T) {
	seen := map[string]int{}
	for _, v := range cVectors(t) {
		seen[v.kind]++
		switch v.kind {
		case "NODE-BEACON":
			b, err := ParseNodeBeacon(v.frames)
			sameFrames(t, v, b.Frames(), err)
		case "TOWER-BEACON":
			b, err := ParseTowerBeacon(v.frames)
			sameFrames(t, v, b.Frames(), err)
		case "TOWER-WELCOME":
			if !IsWelcome(v.frames) {
				t.Errorf("%q is no welcome", v.frames)
			}
			sameFrames(t, v, Welcome(), nil)
		case "SUBSCRIPTION-TO-NODE", "SUBSCRIPTION-TO-TOWER":
			checkSubscription(t, v)
		default:
			m, err := Parse(v.frames[0])
			if m.Kind.String() != v.kind {
				t.Errorf("%q: kind %v, want %s", v.frames[0], m.Kind, v.kind)
			}
			if want := len(v.frames) == 2; m.Kind.HasContent() != want {
				t.Errorf("%s: HasContent is %v", v.kind, !want)
			}
			if len(m.Trailer) > 0 {
				t.Errorf("%q: trailer %q in a C node's frame", v.frames[0], m.Trailer)
			}
			if err != nil {
				t.Errorf("%q: %v", v.frames[0], err)
				continue
			}
			sameFrames(t, v, append([][]byte{m.Append(nil)}, v.frames[1:]...), nil)
			sameFrames(t, v, append([][]byte{appendByName(&m)}, v.frames[1:]...), nil)
		}
	}
	for k := range 256 {
		if kind := Kind(k); kind.Valid() && !ours[kind] && seen[kind.String()] == 0 {
			t.Errorf("no vector of %v", kind)
		}
	}
	if len(seen) != 9+5 {
		t.Errorf("%d kinds of vectors: %v", len(seen), seen)
	}
}

func sameFrames(t *testing.T, v vector, got [][]byte, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s %q: %v", v.kind, v.frames, err)
		return
	}
	if g, w := bytes.Join(got, []byte{'|'}), bytes.Join(v.frames, []byte{'|'}); !bytes.Equal(g, w) {
		t.Errorf("%s: encoded as\n%q, want\n%q", v.kind, g, w)
	}
}

func checkSubscription(t *testing.T, v vector) {
	t.Helper()
	b := v.frames[0]
	if len(v.frames) != 1 || len(b) < 2 || b[0] > 1 {
		t.Errorf("%s %q: want 00 or 01 and a topic", v.kind, v.frames)
		return
	}
	k, to, exact := SplitSubscription(b[1:])
	if exact {
		t.Errorf("%q: C nodes subscribe to prefixes", b)
	}
	switch {
	case v.kind == "SUBSCRIPTION-TO-TOWER":
		if s := string(b[1:]); s != PrefixBeacon && s != PrefixWelcome {
			t.Errorf("subscription %q to a tower", s)
		}
	case !k.Valid():
		t.Errorf("%q subscribes to no message", b)
	case len(to) == 0: // a store's, to everything
	case k.ToAddress() && ValidAddress(string(to)) != nil:
		t.Errorf("%q: %q is no address", b, to)
	case !k.ToAddress() && ValidTopic(string(to)) != nil:
		t.Errorf("%q: %q is no topic", b, to)
	}
}

// appendByName encodes m by the Append function of its kind, trailer included.
func appendByName(m *Message) []byte {
	to, sender, subject := string(m.To), string(m.Sender), string(m.Subject)
	var b []byte
	switch m.Kind {
	case KindRecord:
		b = AppendRecord(nil, to, sender, m.Sequence)
	case KindDirectRecord:
		b = AppendDirectRecord(nil, to, sender, subject, m.Sequence)
	case KindFetch:
		b = AppendFetch(nil, to, sender, subject, m.Sequence, m.Count)
	case KindAck:
		b = AppendAck(nil, to, subject, m.Sequence)
	case KindHead:
		b = AppendHead(nil, to, sender, m.Sequence)
	case KindStored:
		b = AppendStored(nil, to, sender, m.Sequence)
	case KindDirectHead:
		b = AppendDirectHead(nil, to, sender, subject, m.Sequence)
	case KindGetHeads:
		b = AppendGetHeads(nil, to, sender)
	case KindConsumerHello:
		topics := strings.Split(string(bytes.Join(m.Topics, []byte{0})), "\x00")
		if len(m.Topics) == 0 {
			topics = nil
		}
		b = AppendConsumerHello(nil, to, sender, topics)
	case KindStoreHello:
		b = AppendStoreHello(nil, to, sender)
	case KindQuery, KindReport:
		b = appendString(appendTo(nil, m.Kind, to), sender)
	}
	return append(b, m.Trailer...)
}
