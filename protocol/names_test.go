package protocol

import (
	"errors"
	"strings"
	"testing"
)

func TestValidTopic(t *testing.T) {
	for topic, want := range map[string]error{
		"":                             ErrTopic,
		"a":                            nil,
		"with space/and:more\n\xff":    nil,
		strings.Repeat("a", 255):       nil,
		strings.Repeat("a", 256):       ErrTopic,
		"a\x00":                        ErrTopic,
		"\x00":                         ErrTopic,
		strings.Repeat("ä", 127):       nil, // counted in bytes
		strings.Repeat("ä", 127) + "ä": ErrTopic,
	} {
		if err := ValidTopic(topic); !errors.Is(err, want) {
			t.Errorf("%q: %v", topic, err)
		}
	}
}

func TestValidAddress(t *testing.T) {
	for address, want := range map[string]error{
		addrA:                              nil,
		strings.ToLower(addrA):             ErrAddress,
		addrA[1:]:                          ErrAddress,
		addrA + "0":                        ErrAddress,
		"":                                 ErrAddress,
		addrA[:31] + "G":                   ErrAddress,
		addrA[:31] + "\x00":                ErrAddress,
		"01234567-89AB-CDEF-0123-456789AB": ErrAddress,
	} {
		if err := ValidAddress(address); !errors.Is(err, want) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestNewAddress(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		a := NewAddress()
		if err := ValidAddress(a); err != nil {
			t.Fatalf("%q: %v", a, err)
		}
		if a[12] != '4' || !strings.Contains("89AB", a[16:17]) {
			t.Fatalf("%q is no version 4 UUID", a)
		}
		if seen[a] {
			t.Fatalf("%q came twice", a)
		}
		seen[a] = true
	}
}

func TestSubscription(t *testing.T) {
	record := func(topic string) string { return string(AppendRecord(nil, topic, addrA, 1)) }
	s := Subscription(KindRecord, "hello")
	if !strings.HasPrefix(record("hello"), s) || strings.HasPrefix(record("hello2"), s) {
		t.Errorf("%q does not select one topic", s)
	}
	if all := Subscription(KindRecord, ""); !strings.HasPrefix(record("hello2"), all) || strings.HasPrefix("H", all) {
		t.Errorf("%q does not select all records", all)
	}
	for in, want := range map[string]struct {
		kind  Kind
		to    string
		exact bool
	}{
		"":          {0, "", false},
		"M":         {'M', "", false},
		"Mhello":    {'M', "hello", false},
		s:           {'M', "hello", true},
		"G\x00":     {'G', "", true},
		"X\x00y":    {'X', "\x00y", false},
		"W" + addrA: {'W', addrA, false},
	} {
		k, to, exact := SplitSubscription([]byte(in))
		if k != want.kind || string(to) != want.to || exact != want.exact {
			t.Errorf("%q: %v %q %v", in, k, to, exact)
		}
	}
}

func TestKindStrings(t *testing.T) {
	n := 0
	for k := range 256 {
		s := Kind(k).String()
		if unknown := strings.HasPrefix(s, "UNKNOWN"); unknown == Kind(k).Valid() {
			t.Errorf("0x%02X is %s, valid %v", k, s, Kind(k).Valid())
		} else if !unknown {
			n++
		}
	}
	if n != 12 {
		t.Errorf("%d kinds", n)
	}
}

func TestParseEndpoint(t *testing.T) {
	type parts struct{ host, port string }
	for in, want := range map[string]parts{
		"tcp://127.0.0.1:5556":         {"127.0.0.1", "5556"},
		"tcp://*:5557":                 {"", "5557"},
		"tcp://*:*":                    {"", "0"},
		"tcp://localhost:0":            {"localhost", "0"},
		"tcp://[::1]:5556":             {"::1", "5556"},
		"tcp://[fe80::1%eth0]:05556":   {"fe80::1%eth0", "5556"},
		"tcp://fe80::1%eth0:5556":      {"fe80::1%eth0", "5556"}, // as C towers write it
		"tcp://my_host.example.org.:1": {"my_host.example.org.", "1"},
	} {
		host, port, err := ParseEndpoint(in)
		if err != nil || host != want.host || port != want.port {
			t.Errorf("%q: %q %q, %v", in, host, port, err)
		}
	}
	for _, in := range []string{
		"", "tcp://", "tcp://:1", "tcp://a", "tcp://a:", "tcp://a:65536", "tcp://a:x", "tcp://a:1:2",
		"a:1", "127.0.0.1:5556", "TCP://a:1", "udp://a:1", "tcp://[a]:1", "tcp://[127.0.0.1]:1",
		"tcp://[::1:1", "tcp://::1]:1", "tcp://[::1]1", "tcp://[*]:1", "tcp://[]:1", "tcp://a b:1",
		"tcp://user@a:1", "tcp://a/b:1", "tcp://a:1/b", "tcp://a:-1", "tcp://a:123456", "tcp://**:1",
		"tcp://" + strings.Repeat("a", 256) + ":1",
	} {
		if host, port, err := ParseEndpoint(in); !errors.Is(err, ErrEndpoint) || host+port != "" {
			t.Errorf("%q: %q %q, %v", in, host, port, err)
		}
	}
	for want, in := range map[string]string{
		"tcp://127.0.0.1:7": "127.0.0.1", "tcp://[::1]:7": "::1", "tcp://[::2]:7": "[::2]", "tcp://:7": "",
	} {
		if got := FormatEndpoint(in, 7); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
