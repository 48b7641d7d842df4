package zmtp

import (
	"errors"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	for _, tc := range []struct{ name, data string }{
		{"PING", "\x00\x0actx"}, {"X", ""}, {strings.Repeat("n", 255), strings.Repeat("d", 1000)},
	} {
		frame := AppendCommand([]byte("x"), tc.name, []byte(tc.data))[1:]
		flags, size, n, err := parseFrameHeader(frame)
		if err != nil || flags&FlagCommand == 0 || n+int(size) != len(frame) {
			t.Fatalf("%.10q: flags %d size %d n %d of %d: %v", tc.name, flags, size, n, len(frame), err)
		}
		name, data, err := ParseCommand(frame[n:])
		if err != nil || string(name) != tc.name || string(data) != tc.data {
			t.Errorf("%.10q: got %.10q %.10q: %v", tc.name, name, data, err)
		}
	}
	if got, want := string(AppendCommand(nil, "PING", []byte("\x00\x0a"))), "\x04\x07\x04PING\x00\x0a"; got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestBadCommand(t *testing.T) {
	for _, frame := range []string{"", "\x00", "\x00abc", "\x01", "\x05PING", "\xff"} {
		if _, _, err := ParseCommand([]byte(frame)); !errors.Is(err, ErrBadCommand) {
			t.Errorf("%x: %v", frame, err)
		}
	}
	for _, name := range []string{"", strings.Repeat("n", 256)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a name of %d bytes was accepted", len(name))
				}
			}()
			AppendCommand(nil, name, nil)
		}()
	}
}

func TestPong(t *testing.T) {
	for ping, context := range map[string]string{
		"":                                  "",
		"\x00":                              "",
		"\x00\x0a":                          "",
		"\x00\x0actx":                       "ctx",
		"\x00\x0a0123456789abcdef":          "0123456789abcdef",
		"\x00\x0a0123456789abcdef and more": "0123456789abcdef",
	} {
		got := AppendPong(nil, []byte(ping))
		if want := AppendCommand(nil, "PONG", []byte(context)); string(got) != string(want) {
			t.Errorf("ping %q: got %q, want %q", ping, got, want)
		}
	}
}

func TestSubscription(t *testing.T) {
	message := func(frames ...string) Msg {
		var m Msg
		for _, f := range frames {
			m.Frames = append(m.Frames, []byte(f))
		}
		return m
	}
	command := func(frame string) Msg {
		return Msg{Command: true, Frames: [][]byte{[]byte(frame)}}
	}
	for _, tc := range []struct {
		m             Msg
		topic         string
		subscribe, ok bool
	}{
		{message("\x01Mhello"), "Mhello", true, true},
		{message("\x00Mhello"), "Mhello", false, true},
		{message("\x01"), "", true, true},
		{message("\x00"), "", false, true},
		{command("\x09SUBSCRIBEMhello"), "Mhello", true, true},
		{command("\x06CANCELMhello"), "Mhello", false, true},
		{command("\x06CANCEL"), "", false, true},
		{m: message("\x02Mhello")},
		{m: message("")},
		{m: message("\x01a", "b")},
		{m: Msg{}},
		{m: command("\x04PING\x00\x00")},
		{m: command("\x09SUB")},
		{m: command("")},
		{m: command("\x01Mhello")}, // a message's encoding in a command
	} {
		topic, subscribe, ok := ParseSubscription(tc.m)
		if string(topic) != tc.topic || subscribe != tc.subscribe || ok != tc.ok {
			t.Errorf("%v %q: got %q %v %v", tc.m.Command, tc.m.Frames, topic, subscribe, ok)
		}
	}
}

func TestAppendSubscription(t *testing.T) {
	if got := string(AppendSubscription([]byte("x"), []byte("Mhello"), true)); got != "x\x00\x07\x01Mhello" {
		t.Errorf("subscribe: %x", got)
	}
	if got := string(AppendSubscription(nil, nil, false)); got != "\x00\x01\x00" {
		t.Errorf("cancel: %x", got)
	}
	if got := string(AppendSubscription(nil, []byte(strings.Repeat("t", 255)), true)); got != "\x02\x00\x00\x00\x00\x00\x00\x01\x00\x01"+strings.Repeat("t", 255) {
		t.Errorf("long: %x", got)
	}
}
