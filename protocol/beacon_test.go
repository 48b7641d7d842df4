package protocol

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// frames splits a message at its bars.
func frames(s string) [][]byte { return bytes.Split([]byte(s), []byte{'|'}) }

func TestNodeBeacon(t *testing.T) {
	info := &NodeInfo{Role: RoleStore, Name: "s1", Version: "1.0", Age: 1500 * time.Millisecond}
	for _, want := range []NodeBeacon{
		{UUID: addrA, Port: 1},
		{UUID: addrA, Host: "node-1.example.org", Port: 65535},
		{UUID: addrB, Host: "192.0.2.1", Port: 49152, Info: info},
		{UUID: addrB, Host: "fe80::1%eth0", Port: 49152, Info: &NodeInfo{}},
		{UUID: addrB, Host: "[::1]", Port: 49152},
	} {
		got, err := ParseNodeBeacon(want.Frames())
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	}
}

func TestNodeBeaconRefused(t *testing.T) {
	for s, want := range map[string]error{
		"":                             ErrBeacon,
		"B":                            ErrBeacon,
		"B|" + addrA + "|":             ErrBeacon,
		"W|" + addrA + "||1":           ErrBeacon,
		"BB|" + addrA + "||1":          ErrBeacon,
		"B|" + addrA[1:] + "||1":       ErrAddress,
		"B|" + addrA[1:] + "a||1":      ErrAddress,
		"B|" + addrA + "||":            ErrEndpoint,
		"B|" + addrA + "||0":           ErrEndpoint,
		"B|" + addrA + "||65536":       ErrEndpoint,
		"B|" + addrA + "||184467440":   ErrEndpoint,
		"B|" + addrA + "||+1":          ErrEndpoint,
		"B|" + addrA + "||-1":          ErrEndpoint,
		"B|" + addrA + "|| 1":          ErrEndpoint,
		"B|" + addrA + "||1\x00":       ErrEndpoint,
		"B|" + addrA + "|*|1":          ErrEndpoint,
		"B|" + addrA + "|a b|1":        ErrEndpoint,
		"B|" + addrA + "|a/b|1":        ErrEndpoint,
		"B|" + addrA + "|a\n|1":        ErrEndpoint,
		"B|" + addrA + "|a:1|1":        ErrEndpoint,
		"B|" + addrA + "|[::1|1":       ErrEndpoint,
		"B|" + addrA + "|[localhost]|": ErrEndpoint,
		"B|" + addrA + "|a%b|1":        ErrEndpoint,
		"B|" + addrA + "|" + strings.Repeat("a", 256) + "|1": ErrEndpoint,
	} {
		if got, err := ParseNodeBeacon(frames(s)); !errors.Is(err, want) || got != (NodeBeacon{}) {
			t.Errorf("%q: %+v, %v, want %v", s, got, err, want)
		}
	}
	if _, err := ParseNodeBeacon(nil); !errors.Is(err, ErrBeacon) {
		t.Errorf("no frames: %v", err)
	}
}

func TestTowerBeacon(t *testing.T) {
	for _, want := range []TowerBeacon{
		{UUID: addrA, Endpoint: "tcp://127.0.0.1:49152"},
		{UUID: addrA, Endpoint: "tcp://[2001:db8::1]:1", Info: &NodeInfo{Role: RoleConsumer, Age: time.Hour}},
		{UUID: addrA, Endpoint: "tcp://" + strings.Repeat("a", 255) + ":65535"},
	} {
		got, err := ParseTowerBeacon(want.Frames())
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	}
	for s, want := range map[string]error{
		"":                                 ErrBeacon,
		"B|" + addrA:                       ErrBeacon,
		"W":                                ErrBeacon,
		"B|nobody|tcp://a:1":               ErrAddress,
		"B|" + addrA + "|":                 ErrEndpoint,
		"B|" + addrA + "|127.0.0.1:1":      ErrEndpoint,
		"B|" + addrA + "|tcp://*:1":        ErrEndpoint,
		"B|" + addrA + "|tcp://a:0":        ErrEndpoint,
		"B|" + addrA + "|tcp://a:*":        ErrEndpoint,
		"B|" + addrA + "|tcp://a:99999":    ErrEndpoint,
		"B|" + addrA + "|inproc://a":       ErrEndpoint,
		"B|" + addrA + "|tcp://[::1]:1 ":   ErrEndpoint,
		"B|" + addrA + "|tcp://[fe80::1:1": ErrEndpoint,
		"B|" + addrA + "|tcp://" + strings.Repeat("a", 1<<20) + ":1": ErrEndpoint,
	} {
		if got, err := ParseTowerBeacon(frames(s)); !errors.Is(err, want) || got != (TowerBeacon{}) {
			t.Errorf("%.80q: %+v, %v, want %v", s, got, err, want)
		}
	}
}

// TestBeaconWithoutInfo: a beacon stands, whatever follows it.
func TestBeaconWithoutInfo(t *testing.T) {
	node := NodeBeacon{UUID: addrA, Port: 1}
	tower := TowerBeacon{UUID: addrA, Endpoint: "tcp://a:1"}
	for name, extra := range map[string][]byte{
		"empty":     {},
		"garbage":   []byte("\xc1garbage"),
		"truncated": NodeInfo{Role: RoleStore}.Append(nil)[:20],
		"too large": append([]byte("\x81\xa1x\xda\x04\x00"), make([]byte, 1024)...),
	} {
		if got, err := ParseNodeBeacon(append(node.Frames(), extra)); err != nil || got != node {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got, err := ParseTowerBeacon(append(tower.Frames(), extra)); err != nil || got != tower {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	node.Info = &NodeInfo{Role: RoleProducer}
	got, err := ParseNodeBeacon(append(node.Frames(), []byte("from the future")))
	if d := cmp.Diff(node, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestListEnd(t *testing.T) {
	want := ListEnd{Info: NodeInfo{Role: RoleTower, Name: "t", Version: "v", Age: time.Minute}}
	if got, err := ParseListEnd(want.Frames()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for s, want := range map[string]error{
		"":          ErrBeacon,
		"T":         ErrBeacon,
		"B|\x80":    ErrBeacon,
		"T|":        ErrInfo,
		"T|\x81":    ErrInfo,
		"T|\xc0":    ErrInfo,
		"T|\x80":    nil,
		"T|\x80|\n": nil,
	} {
		if _, err := ParseListEnd(frames(s)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", s, err, want)
		}
	}
	if IsWelcome(frames("W|x")) || IsWelcome(frames("B")) || IsWelcome(nil) {
		t.Error("something else was taken for a welcome")
	}
}

func TestParseInfo(t *testing.T) {
	long := strings.Repeat("n", 400)
	pack := func(v any) []byte {
		b, err := msgpack.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	type m = map[string]any
	tests := []struct {
		name  string
		frame []byte
		want  NodeInfo
		err   error
	}{
		{"nothing in it", pack(m{}), NodeInfo{}, nil},
		{"all", pack(m{"role": "store", "name": "n", "version": "v", "age": 5}),
			NodeInfo{Role: "store", Name: "n", Version: "v", Age: 5 * time.Millisecond}, nil},
		{"a claim", pack(m{"role": "consumer", "holds": []any{"billing", true, 7}}),
			NodeInfo{Role: "consumer", Holds: Hold{"billing", true, 7}}, nil},
		{"a claim with a long name", pack(m{"holds": []any{long, false, 7}}), NodeInfo{Holds: Hold{long[:128], false, 7}}, nil},
		{"a claim that is none", pack(m{"holds": "billing"}), NodeInfo{}, ErrInfo},
		{"unknown keys", pack(m{"role": "x", "later": m{"a": []any{1, "b"}}}), NodeInfo{Role: "x"}, nil},
		{"long string", pack(m{"name": long}), NodeInfo{Name: long[:255]}, nil},
		{"unsigned age", []byte("\x81\xa3age\xcc\xff"), NodeInfo{Age: 255 * time.Millisecond}, nil},
		{"age of ages", pack(m{"age": int64(math.MaxInt64)}),
			NodeInfo{Age: time.Duration(maxAgeMillis) * time.Millisecond}, nil},

		{"empty", nil, NodeInfo{}, ErrInfo},
		{"nil", pack(nil), NodeInfo{}, ErrInfo},
		{"array", pack([]string{"store"}), NodeInfo{}, ErrInfo},
		{"negative age", pack(m{"age": -1}), NodeInfo{}, ErrInfo},
		{"age above int64", pack(m{"age": uint64(math.MaxUint64)}), NodeInfo{}, ErrInfo},
		{"string age", pack(m{"age": "1"}), NodeInfo{}, ErrInfo},
		{"number for a role", pack(m{"role": 1}), NodeInfo{}, ErrInfo},
		{"number for a key", []byte("\x81\x01\x01"), NodeInfo{}, ErrInfo},
		{"something behind it", append(pack(m{}), 0), NodeInfo{}, ErrInfo},
		{"huge string", []byte("\x81\xa4name\xdb\xff\xff\xff\xffx"), NodeInfo{}, ErrInfo},
		{"huge map", []byte("\xdf\xff\xff\xff\xff\xa4name\xa1x"), NodeInfo{}, ErrInfo},
		{"huge unknown array", []byte("\x81\xa1x\xdd\xff\xff\xff\xff"), NodeInfo{}, ErrInfo},
		{"large", pack(m{"x": strings.Repeat("x", MaxInfo)}), NodeInfo{}, ErrInfo},
	}
	for _, tt := range tests {
		got, err := ParseInfo(tt.frame)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestHoldBeats: of two claims exactly one stands, whoever looks.
func TestHoldBeats(t *testing.T) {
	hold := func(held bool, since int64) Hold { return Hold{"n", held, since} }
	for _, tt := range []struct {
		a, b  Hold
		beats bool // a, at the lower address
	}{
		{hold(true, 9), hold(false, 1), true},
		{hold(false, 1), hold(true, 9), false},
		{hold(false, 1), hold(false, 2), true},
		{hold(false, 2), hold(false, 1), false},
		{hold(false, 2), hold(false, 2), true},
		{hold(true, 1), hold(true, 2), false},
		{hold(true, 2), hold(true, 1), true},
		{hold(true, 2), hold(true, 2), true},
	} {
		low, high := min(addrA, addrB), max(addrA, addrB)
		if tt.a.Beats(low, tt.b, high) != tt.beats || tt.b.Beats(high, tt.a, low) == tt.beats {
			t.Errorf("%+v against %+v: want %v, and the opposite from the other side", tt.a, tt.b, tt.beats)
		}
	}
}

// TestParseInfoMemory: a claimed length takes no memory. The library alone takes
// up to 1 MiB for one of these frames.
func TestParseInfoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		for _, s := range []string{
			"\x81\xa4name\xdb\xff\xff\xff\xffx",
			"\x81\xdb\xff\xff\xff\xffname",
			"\x81\xa1x\xc6\xff\xff\xff\xffx",
			"\xdf\xff\xff\xff\xff\xa4name",
		} {
			if _, err := ParseInfo([]byte(s)); !errors.Is(err, ErrInfo) {
				t.Fatalf("%q: %v", s, err)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for 400 small frames", n)
	}
}

func TestInfoRoundTrip(t *testing.T) {
	text := rapid.StringN(0, 300, 1200)
	rapid.Check(t, func(t *rapid.T) {
		i := NodeInfo{
			Role:    text.Draw(t, "role"),
			Name:    text.Draw(t, "name"),
			Version: text.Draw(t, "version"),
			Age:     time.Duration(rapid.Int64().Draw(t, "age")),
			Holds:   Hold{Name: text.Draw(t, "holds"), Held: rapid.Bool().Draw(t, "held"), Since: rapid.Int64().Draw(t, "since")},
		}
		b := i.Append(nil)
		if len(b) > MaxInfo {
			t.Fatalf("%d bytes", len(b))
		}
		want := NodeInfo{cutInfo(i.Role), cutInfo(i.Name), cutInfo(i.Version), max(0, i.Age.Truncate(time.Millisecond)), i.Holds}
		fields := 5
		if want.Holds.Name = cutName(i.Holds.Name); i.Holds.Name == "" {
			want.Holds, fields = Hold{}, 4
		}
		if got, err := ParseInfo(b); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		var m map[string]any // what anybody else's decoder sees
		if err := msgpack.Unmarshal(b, &m); err != nil || len(m) != fields || m["name"] != want.Name {
			t.Fatalf("%v, %v", m, err)
		}
	})
}

// FuzzNodeBeacon: nothing panics, and what parses is encoded to something that
// parses equal.
func FuzzNodeBeacon(f *testing.F) {
	for _, v := range cVectors(f) {
		if v.kind == "NODE-BEACON" {
			f.Add(v.frames[0], v.frames[1], v.frames[2], v.frames[3], []byte{})
		}
	}
	info := NodeInfo{Role: RoleStore, Name: "n", Version: "v", Age: time.Second}.Append(nil)
	f.Add([]byte("B"), []byte(addrA), []byte("fe80::1%eth0"), []byte("65535"), info)
	f.Add([]byte("B"), []byte(addrA), []byte("[::1]"), []byte("1"), []byte("\x82\xa1x\xc7\x01\x05a\xa3age\xcb12345678"))
	f.Fuzz(func(t *testing.T, prefix, uuid, host, port, info []byte) {
		b, err := ParseNodeBeacon([][]byte{prefix, uuid, host, port, info})
		if err != nil {
			return
		}
		again, err := ParseNodeBeacon(b.Frames())
		if d := cmp.Diff(b, again); err != nil || d != "" {
			t.Fatalf("%v (-first +again):\n%s", err, d)
		}
	})
}

// FuzzTowerBeacon is FuzzNodeBeacon for the other beacon; its endpoint can be
// formatted back from its parts too.
func FuzzTowerBeacon(f *testing.F) {
	for _, v := range cVectors(f) {
		if v.kind == "TOWER-BEACON" {
			f.Add(v.frames[0], v.frames[1], v.frames[2], []byte{})
		}
	}
	info := NodeInfo{Role: RoleStore, Name: "n", Version: "v", Age: time.Second}.Append(nil)
	f.Add([]byte("B"), []byte(addrA), []byte("tcp://[fe80::1%eth0]:65535"), info)
	f.Fuzz(func(t *testing.T, prefix, uuid, endpoint, info []byte) {
		b, err := ParseTowerBeacon([][]byte{prefix, uuid, endpoint, info})
		if err != nil {
			return
		}
		again, err := ParseTowerBeacon(b.Frames())
		if d := cmp.Diff(b, again); err != nil || d != "" {
			t.Fatalf("%v (-first +again):\n%s", err, d)
		}
		host, port, err := ParseEndpoint(b.Endpoint)
		n, ok := parsePort(port)
		if err != nil || !ok {
			t.Fatalf("%q: port %q, %v", b.Endpoint, port, err)
		}
		if h, p, err := ParseEndpoint(FormatEndpoint(host, n)); h != host || p != port || err != nil {
			t.Fatalf("%q: %q %q, then %q %q, %v", b.Endpoint, host, port, h, p, err)
		}
	})
}

func BenchmarkParseTowerBeacon(b *testing.B) {
	frames := TowerBeacon{UUID: addrA, Endpoint: "tcp://127.0.0.1:49152",
		Info: &NodeInfo{Role: RoleStore, Name: "name", Version: "1.0", Age: time.Second}}.Frames()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTowerBeacon(frames); err != nil {
			b.Fatal(err)
		}
	}
}
