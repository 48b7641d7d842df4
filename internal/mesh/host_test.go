package mesh

import (
	"errors"
	"testing"
)

func TestExpandHost(t *testing.T) {
	for _, test := range []struct{ setting, want string }{
		{"", ""},
		{"  ", ""},
		{"node-1.example", "node-1.example"},
		{"192.0.2.7", "192.0.2.7"},
		{"2001:db8::7", "2001:db8::7"},
		{"[2001:db8::7]", "2001:db8::7"},
		{`{{ GetAllInterfaces | include "network" "127.0.0.0/8" | limit 1 | attr "address" }}`, "127.0.0.1"},
	} {
		got, err := ExpandHost(test.setting)
		if err != nil || got != test.want {
			t.Errorf("ExpandHost(%q) = %q, %v; want %q", test.setting, got, err, test.want)
		}
	}
	for _, setting := range []string{
		"*", "two hosts", "host:80:", "{{ NoSuchFunction }}", "{{", "a\x00b",
		`{{ GetAllInterfaces | include "name" "^no-such-interface$" | attr "address" }}`,
		`127.0.0.1 {{ GetAllInterfaces | include "network" "127.0.0.0/8" | limit 1 | attr "address" }}`,
	} {
		if got, err := ExpandHost(setting); !errors.Is(err, ErrHost) {
			t.Errorf("ExpandHost(%q) = %q, %v; want ErrHost", setting, got, err)
		}
	}
}
