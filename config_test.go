package beck

import (
	"errors"
	"strings"
	"testing"
)

func TestDefaultNodeConfigIsValid(t *testing.T) {
	if err := DefaultNodeConfig().Validate(); err != nil {
		t.Fatalf("defaults: %v", err)
	}
}

func TestNodeConfigWithDefaultsKeepsWhatIsSet(t *testing.T) {
	c := NodeConfig{Sub: []string{"tcp://a:1"}, Pub: []string{"tcp://a:2"}, Listen: "*:7"}.WithDefaults()
	if c.Sub[0] != "tcp://a:1" || c.Pub[0] != "tcp://a:2" {
		t.Errorf("towers were replaced: %v %v", c.Sub, c.Pub)
	}
	if c.Listen != ":7" {
		t.Errorf("Listen %q, want %q", c.Listen, ":7")
	}
	if c.Logger == nil {
		t.Error("no logger")
	}
}

func TestNodeConfigValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*NodeConfig)
		want string // part of the error; "" for none
	}{
		{"two towers", func(c *NodeConfig) {
			c.Sub = []string{"tcp://a:1", "tcp://[::1]:3"}
			c.Pub = []string{"tcp://a:2", "tcp://[::1]:4"}
		}, ""},
		{"half a tower", func(c *NodeConfig) { c.Sub = nil }, "0 sub and 1 pub"},
		{"no scheme", func(c *NodeConfig) { c.Sub[0] = "127.0.0.1:5556" }, "Sub"},
		{"no port", func(c *NodeConfig) { c.Pub[0] = "tcp://127.0.0.1" }, "Pub"},
		{"port 0", func(c *NodeConfig) { c.Pub[0] = "tcp://127.0.0.1:0" }, "Pub"},
		{"port too high", func(c *NodeConfig) { c.Sub[0] = "tcp://127.0.0.1:65536" }, "Sub"},
		{"wildcard tower", func(c *NodeConfig) { c.Sub[0] = "tcp://*:5556" }, "to dial"},
		{"listen without port", func(c *NodeConfig) { c.Listen = "127.0.0.1" }, "Listen"},
		{"listen negative port", func(c *NodeConfig) { c.Listen = ":-1" }, "Listen"},
		{"long host", func(c *NodeConfig) { c.Host = strings.Repeat("h", 1025) }, "Host"},
		{"long name", func(c *NodeConfig) { c.Name = strings.Repeat("n", 256) }, "Name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := DefaultNodeConfig()
			test.edit(&c)
			err := c.Validate()
			if test.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want ErrConfig with %q", err, test.want)
			}
		})
	}
}

func TestRecordCloneOwnsItsValue(t *testing.T) {
	block := []byte("value and neighbours")
	r := Record{Topic: "t", Value: block[:5]}.Clone()
	block[0] = 'X'
	if string(r.Value) != "value" {
		t.Errorf("clone changed with the block: %q", r.Value)
	}
}

func TestOffsetString(t *testing.T) {
	got := Offset{Topic: "hello", Partition: "AB", Offset: 7}.String()
	if got != "hello/AB@7" {
		t.Errorf("got %q", got)
	}
}
