package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	addrA = "0123456789ABCDEF0123456789ABCDEF"
	addrB = "FEDCBA9876543210FEDCBA9876543210"
)

// samples is one frame of every kind and form, without a trailer.
func samples() map[string][]byte {
	longAck := Message{Kind: KindAck, To: []byte(addrA), Sender: []byte(addrB), Subject: []byte("hello"), Sequence: 7}
	return map[string][]byte{
		"M":             AppendRecord(nil, "hello", addrA, 7),
		"D":             AppendDirectRecord(nil, addrA, addrB, "hello", 7),
		"F":             AppendFetch(nil, addrA, addrB, "hello", 7, 100_000),
		"K":             AppendAck(nil, addrA, "hello", 7),
		"K, RFC 46":     longAck.Append(nil),
		"H":             AppendHead(nil, "hello", addrA, 7),
		"E":             AppendDirectHead(nil, addrA, addrB, "hello", 7),
		"G":             AppendGetHeads(nil, "hello", addrA),
		"G, all topics": AppendGetHeads(nil, "", addrA),
		"W":             AppendConsumerHello(nil, addrA, addrB, []string{"hello", "world"}),
		"W, no topics":  AppendConsumerHello(nil, addrA, addrB, nil),
		"L":             AppendStoreHello(nil, addrA, addrB),
		"S":             AppendStored(nil, "hello", addrA, 7),
	}
}

func TestParseFields(t *testing.T) {
	b := func(s string) []byte { return []byte(s) }
	tests := []struct {
		frame []byte
		want  Message
	}{
		{AppendRecord(nil, "t", addrA, math.MaxUint64),
			Message{Kind: 'M', To: b("t"), Sender: b(addrA), Subject: b("t"), Sequence: math.MaxUint64}},
		{AppendDirectRecord(nil, addrA, addrB, "t", 1<<32),
			Message{Kind: 'D', To: b(addrA), Sender: b(addrB), Subject: b("t"), Sequence: 1 << 32}},
		{AppendFetch(nil, addrA, addrB, "t", 3, math.MaxUint32),
			Message{Kind: 'F', To: b(addrA), Sender: b(addrB), Subject: b("t"), Sequence: 3, Count: math.MaxUint32}},
		{AppendAck(nil, addrA, "t", math.MaxUint64),
			Message{Kind: 'K', To: b(addrA), Subject: b("t"), Sequence: math.MaxUint64}},
		{AppendHead(nil, "t", addrA, 0),
			Message{Kind: 'H', To: b("t"), Sender: b(addrA), Subject: b("t")}},
		{Trailer{HasTail: true, Tail: 2}.Append(AppendStored(nil, "t", addrA, 9)),
			Message{Kind: 'S', To: b("t"), Sender: b(addrA), Subject: b("t"), Sequence: 9, Trailer: b("\x81\x0a\x02")}},
		{AppendDirectHead(nil, addrA, addrB, "t", 9),
			Message{Kind: 'E', To: b(addrA), Sender: b(addrB), Subject: b("t"), Sequence: 9}},
		{AppendGetHeads(nil, "", addrA),
			Message{Kind: 'G', To: b(""), Sender: b(addrA)}},
		{append(AppendConsumerHello(nil, addrA, addrB, []string{"x", "yz"}), 0x80),
			Message{Kind: 'W', To: b(addrA), Sender: b(addrB), Topics: [][]byte{b("x"), b("yz")}, Trailer: b("\x80")}},
		{Trailer{EndOfList: true}.Append(AppendStoreHello(nil, addrA, addrB)),
			Message{Kind: 'L', To: b(addrA), Sender: b(addrB), Trailer: b("\x81\x0c\xc3")}},
	}
	for _, tt := range tests {
		got, err := Parse(tt.frame)
		if err != nil {
			t.Errorf("%q: %v", tt.frame, err)
			continue
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.frame, d)
		}
	}
}

// TestParseTruncated cuts every sample at every length. Whatever was cut, what
// remains is refused.
func TestParseTruncated(t *testing.T) {
	for name, frame := range samples() {
		if _, err := Parse(frame); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range frame {
			// An RFC 46 ACK cut behind 76 bytes is a whole ACK of a C node
			// whose subject looks like an address.
			if name == "K, RFC 46" && n == 1+AddressLen+2+1+AddressLen+8 {
				continue
			}
			m, err := Parse(frame[:n:n])
			if err == nil {
				t.Errorf("%s: %d of %d bytes were accepted", name, n, len(frame))
			}
			if n > 0 && m.Kind != Kind(frame[0]) {
				t.Errorf("%s: kind %v with the error", name, m.Kind)
			}
			if m.Kind = 0; !cmp.Equal(m, Message{}) {
				t.Errorf("%s: fields are set beside the error: %+v", name, m)
			}
			if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrLength) && !errors.Is(err, ErrTooMany) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(frame), err)
			}
		}
	}
}

// TestParseCarriesTrailer appends a trailer to every sample: all but K carry it.
func TestParseCarriesTrailer(t *testing.T) {
	want := Trailer{Lowest: 300, HasLowest: true, Tail: 70_000, HasTail: true, EndOfList: true}
	for name, frame := range samples() {
		longer := want.Append(slices.Clone(frame))
		m, err := Parse(longer)
		if m.Kind == KindAck {
			if !errors.Is(err, ErrLength) {
				t.Errorf("%s with a trailer: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := ParseTrailer(m.Trailer); err != nil || got != want {
			t.Errorf("%s: trailer %+v, %v", name, got, err)
		}
		if !bytes.Equal(m.Append(nil), longer) {
			t.Errorf("%s: encoded differently", name)
		}
		if cap(m.Trailer) != len(m.Trailer) || cap(m.To) != len(m.To) || cap(m.Sender) != len(m.Sender) {
			t.Errorf("%s: appending to a field would write into the frame", name)
		}
	}
}

// put returns frame with the bytes at offset i replaced.
func put(frame []byte, i int, s string) []byte {
	frame = slices.Clone(frame)
	copy(frame[i:], s)
	return frame
}

func TestParseRefuses(t *testing.T) {
	s := samples()
	hello := func(n uint32, list string) []byte {
		b := appendString(appendTo(nil, KindConsumerHello, addrA), addrB)
		return append(binary.BigEndian.AppendUint32(b, n), list...)
	}
	record := func(to, subject string) []byte {
		return appendSequenced(nil, KindRecord, to, addrA, subject, 1)
	}
	const field = 1 + AddressLen + 2 // where the fields begin behind an address
	long := strings.Repeat("t", 256)
	tests := []struct {
		name  string
		frame []byte
		want  error
	}{
		{"empty", nil, ErrTruncated},
		{"unknown kind", put(s["M"], 0, "X"), ErrUnknownKind},
		{"lower-case kind", put(s["M"], 0, "m"), ErrUnknownKind},
		{"kind alone", []byte("M"), ErrTruncated},
		{"version 0", put(s["M"], 7, "\x00"), ErrVersion},
		{"version 2", put(s["L"], field-1, "\x02"), ErrVersion},
		{"no topic", record("", ""), ErrTopic},
		{"topic of 256 bytes", append([]byte("M"), long+"\x00\x01"...), ErrTopic},
		{"GET-HEADS of 256 bytes", append([]byte("G"), long+"\x00\x01"...), ErrTopic},
		{"no NUL", []byte("Mhello"), ErrTruncated},
		{"subject is another topic", record("hello", "hello2"), ErrTopic},
		{"subject is a prefix", record("hello2", "hello"), ErrTopic},
		{"head of another topic", put(s["H"], 8+33+1, "j"), ErrTopic},
		{"empty subject", AppendDirectRecord(nil, addrA, addrB, "", 1), ErrTopic},
		{"NUL in subject", AppendFetch(nil, addrA, addrB, "a\x00b", 1, 1), ErrTopic},
		{"NUL in ACK's subject", AppendAck(nil, addrA, "\x00", 1), ErrTopic},
		{"to a lower-case address", put(s["F"], 1, "a"), ErrAddress},
		{"to no hexadecimal address", put(s["K"], 5, "G"), ErrAddress},
		{"to a short address", put(s["D"], AddressLen, "\x00\x01"), ErrAddress},
		{"to a long address", put(s["E"], 1+AddressLen, "0"), ErrAddress},
		{"sender of 31 bytes", put(s["L"], field, "\x1f"), ErrAddress},
		{"sender of 0 bytes", put(s["W"], field, "\x00"), ErrAddress},
		{"sender in lower case", put(s["M"], 9, "a"), ErrAddress},
		{"requester with NUL", put(s["F"], field+3, "\x00"), ErrAddress},
		{"ACK's sender in lower case", put(s["K, RFC 46"], field+1, "f"), ErrAddress},
		{"ACK with a byte more", append(slices.Clone(s["K"]), 0), ErrLength},
		{"RFC ACK with a byte more", append(slices.Clone(s["K, RFC 46"]), 0), ErrLength},
		{"hello without a list", hello(0, "")[:len(hello(0, ""))-4], ErrTruncated},
		{"hello of 4294967295 topics", hello(math.MaxUint32, "\x00\x00\x00\x01a"), ErrTooMany},
		{"hello of one topic too many", hello(2, "\x00\x00\x00\x01a"), ErrTooMany},
		{"hello of 65537 topics", hello(MaxHelloTopics+1, strings.Repeat("\x00\x00\x00\x01a", MaxHelloTopics+1)), ErrTooMany},
		{"hello with a huge topic", hello(1, "\xff\xff\xff\xffa"), ErrTopic},
		{"hello with a topic of 256 bytes", hello(1, "\x00\x00\x01\x00"+long), ErrTopic},
		{"hello with an empty topic", hello(1, "\x00\x00\x00\x00a"), ErrTopic},
		{"hello with NUL in a topic", hello(1, "\x00\x00\x00\x02a\x00"), ErrTopic},
		{"hello cut in a topic", hello(1, "\x00\x00\x00\x02a"), ErrTruncated},
		{"hello cut in a length", hello(2, "\x00\x00\x00\x06abcdef"), ErrTruncated},
	}
	for _, tt := range tests {
		if _, err := Parse(tt.frame); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestParseAcceptsLimits(t *testing.T) {
	long := strings.Repeat("t", MaxTopic)
	many := slices.Repeat([]string{"a"}, MaxHelloTopics)
	for name, frame := range map[string][]byte{
		"record":    AppendRecord(nil, long, addrA, math.MaxUint64),
		"get heads": AppendGetHeads(nil, long, addrA),
		"ack":       AppendAck(nil, addrA, long, math.MaxUint64),
		"ack, 32":   AppendAck(nil, addrA, addrB, 1), // begins as the RFC's form does
		"hello":     AppendConsumerHello(nil, addrA, addrB, many),
		"long name": AppendConsumerHello(nil, addrA, addrB, []string{long}),
	} {
		m, err := Parse(frame)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(m.Append(nil), frame) {
			t.Errorf("%s: encoded differently", name)
		}
		if name == "ack, 32" && (len(m.Sender) > 0 || string(m.Subject) != addrB) {
			t.Errorf("%s: sender %q, subject %q", name, m.Sender, m.Subject)
		}
	}
}

// TestParseHugeHello checks that a claimed count takes no memory.
func TestParseHugeHello(t *testing.T) {
	b := appendString(appendTo(nil, KindConsumerHello, addrA), addrB)
	b = append(b, 0xff, 0xff, 0xff, 0xff)
	b = append(b, strings.Repeat("\x00\x00\x00\x01a", 1000)...)
	if n := testing.AllocsPerRun(10, func() { Parse(b) }); n != 0 {
		t.Errorf("%v allocations for a false count", n)
	}
}

// TestAppendAckWithoutTrailer: no field can make an ACK that Parse refuses.
func TestAppendAckWithoutTrailer(t *testing.T) {
	m := Message{Kind: KindAck, To: []byte(addrA), Subject: []byte("t"), Trailer: []byte{0x80}}
	if b := m.Append(nil); !bytes.Equal(b, AppendAck(nil, addrA, "t", 0)) {
		t.Errorf("%q", b)
	}
}

func TestAppendPanics(t *testing.T) {
	long := strings.Repeat("t", 256)
	for name, f := range map[string]func(){
		"long subject":    func() { AppendAck(nil, addrA, long, 1) },
		"too many topics": func() { AppendConsumerHello(nil, addrA, addrB, make([]string, MaxHelloTopics+1)) },
		"no kind":         func() { (&Message{}).Append(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// genMessage draws any message that a node may send.
func genMessage(t *rapid.T) Message {
	address := rapid.StringMatching(`[0-9A-F]{32}`)
	topic := rapid.OneOf(
		rapid.StringMatching(`[a-z.]{1,12}`),
		rapid.Map(rapid.SliceOfN(rapid.ByteRange(1, 255), 1, MaxTopic), func(b []byte) string { return string(b) }),
	)
	m := Message{
		Kind: rapid.SampledFrom([]Kind{KindRecord, KindDirectRecord, KindFetch, KindAck, KindHead,
			KindDirectHead, KindGetHeads, KindConsumerHello, KindStoreHello}).Draw(t, "kind"),
		To: []byte(address.Draw(t, "to")),
	}
	s := shapes[m.Kind]
	if s&hasSender != 0 || m.Kind == KindAck && rapid.Bool().Draw(t, "long") {
		m.Sender = []byte(address.Draw(t, "sender"))
	}
	if s&hasSubject != 0 {
		m.Subject = []byte(topic.Draw(t, "subject"))
		m.Sequence = rapid.Uint64().Draw(t, "sequence")
	}
	if s&hasCount != 0 {
		m.Count = rapid.Uint32().Draw(t, "count")
	}
	if s&toTopic != 0 {
		m.To = m.Subject
	}
	if s&toTopicOpen != 0 {
		m.To = []byte(rapid.OneOf(rapid.Just(""), topic).Draw(t, "topic"))
	}
	if s&hasTopics != 0 {
		for _, name := range rapid.SliceOfN(topic, 0, 5).Draw(t, "topics") {
			m.Topics = append(m.Topics, []byte(name))
		}
	}
	if m.Kind != KindAck && rapid.Bool().Draw(t, "trailer") {
		m.Trailer = rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")
	}
	return m
}

func TestMessageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genMessage(t)
		frame := want.Append([]byte("before"))[len("before"):]
		got, err := Parse(frame)
		if err != nil {
			t.Fatalf("%q: %v", frame, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q (-want +got):\n%s", frame, d)
		}
		if want.Kind == KindAck && len(want.Sender) > 0 {
			return
		}
		if b := appendByName(&got); !bytes.Equal(b, frame) {
			t.Fatalf("by name %q, want %q", b, frame)
		}
	})
}

func TestMessageAllocs(t *testing.T) {
	buf := make([]byte, 0, 1024)
	for name, frame := range samples() {
		var m Message
		parse := testing.AllocsPerRun(100, func() { m, _ = Parse(frame) })
		if parse != 0 && m.Kind != KindConsumerHello || parse > 1 {
			t.Errorf("%s: Parse allocates %v times", name, parse)
		}
		if n := testing.AllocsPerRun(100, func() { m.Append(buf) }); n != 0 {
			t.Errorf("%s: Append allocates %v times", name, n)
		}
		bad := frame[:len(frame)-1]
		if n := testing.AllocsPerRun(100, func() { Parse(bad) }); n != 0 {
			t.Errorf("%s: a refused frame costs %v allocations", name, n)
		}
	}
	topics := []string{"a", "b"}
	for name, f := range map[string]func(){
		"record":   func() { AppendRecord(buf, "hello", addrA, 1) },
		"direct":   func() { AppendDirectRecord(buf, addrA, addrB, "hello", 1) },
		"fetch":    func() { AppendFetch(buf, addrA, addrB, "hello", 1, 2) },
		"ack":      func() { AppendAck(buf, addrA, "hello", 1) },
		"head":     func() { AppendHead(buf, "hello", addrA, 1) },
		"dhead":    func() { AppendDirectHead(buf, addrA, addrB, "hello", 1) },
		"getheads": func() { AppendGetHeads(buf, "hello", addrA) },
		"chello":   func() { AppendConsumerHello(buf, addrA, addrB, topics) },
		"shello":   func() { AppendStoreHello(buf, addrA, addrB) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzMessage: nothing panics, and what parses is encoded to the same bytes.
func FuzzMessage(f *testing.F) {
	for _, v := range cVectors(f) {
		f.Add(v.frames[0])
	}
	for _, frame := range samples() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := Parse(frame)
		if err != nil {
			return
		}
		again := m.Append(nil)
		if !bytes.Equal(again, frame) {
			t.Fatalf("encoded as %q", again)
		}
		if m2, err := Parse(again); err != nil || !cmp.Equal(m, m2) {
			t.Fatalf("parsed again as %+v, %v", m2, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"M", "D", "F", "K", "H", "W"} {
		frame := samples()[name]
		b.Run(Kind(name[0]).String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendRecord(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		AppendRecord(buf, "hello", addrA, 7)
	}
}

func BenchmarkMessageAppend(b *testing.B) {
	m, _ := Parse(samples()["D"])
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		m.Append(buf)
	}
}
