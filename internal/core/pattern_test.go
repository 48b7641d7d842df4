package core

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPatternMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, prefix string
		yes, no         string // topics, separated by spaces
	}{
		{"a", "a", "a", "b aa a. .a"},
		{"sensors.*", "sensors.", "sensors.a sensors.* sensors.", "sensors sensors.a.b sensorsx.a xsensors.a"},
		{"sensors.>", "sensors.", "sensors.a sensors.a.b sensors.> sensors.", "sensors sensorsx.a"},
		{"*.temperature", "", "a.temperature .temperature", "temperature a.b.temperature a.temperatures"},
		{"a.*.c.>", "a.", "a.b.c.d a.x.c.d.e", "a.b.c a.b.d.d"},
		{"*", "", "a sensors", "a.b"},
		{">", "", "a a.b a.b.c", "_beck.positions"},
		{"_beck.*", "_beck.", "_beck.positions", "_beck"},
		{`a.\*`, "a.*", "a.*", "a.b a."},
		{`\>`, ">", ">", "a"},
		{`a\*b.*`, "a*b.", "a*b.c", "axb.c a*b"},
		{`a\\*.b`, "", "", ""}, // a backslash and a star within a level: refused
		{`a\b`, `a\b`, `a\b`, "ab"},
		{`a\\b`, `a\b`, `a\b`, `a\\b`},
	} {
		p := Pattern(test.pattern)
		if err := p.Validate(); err != nil {
			if test.yes != "" {
				t.Errorf("%q: %v", p, err)
			}
			continue
		}
		if got := p.Prefix(); got != test.prefix {
			t.Errorf("%q begins with %q, want %q", p, got, test.prefix)
		}
		for _, topic := range strings.Fields(test.yes) {
			if !p.Match(topic) {
				t.Errorf("%q does not match %q", p, topic)
			}
		}
		for _, topic := range strings.Fields(test.no) {
			if p.Match(topic) {
				t.Errorf("%q matches %q", p, topic)
			}
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                              "empty",
		"a\x00b":                        "NUL",
		"a.>.b":                         "last level",
		"a.b*":                          `level "b*"`,
		">>":                            `level ">>"`,
		`a\\*`:                          "whole levels",
		strings.Repeat("a", 256):        "longer than 255",
		strings.Repeat("*.", 128) + "*": "longer than 255",
	} {
		if err := Pattern(pattern).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

// Every topic has a pattern that names it alone.
func TestLiteralPattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := rapid.StringMatching(`[a.*>\\]{1,255}`).Draw(t, "topic")
		other := rapid.StringMatching(`[a.*>\\]{1,8}`).Draw(t, "other")
		p := LiteralPattern(topic)
		if err := p.Validate(); err != nil {
			t.Fatalf("%q is refused: %v", p, err)
		}
		if got, exact := p.Topic(); !exact || got != topic {
			t.Fatalf("%q names %q, want %q", p, got, topic)
		}
		if p.Prefix() != topic || !p.Match(topic) || p.Match(other) != (other == topic) {
			t.Fatalf("%q begins with %q, matches %q: %t, %q: %t", p, p.Prefix(), topic, p.Match(topic), other, p.Match(other))
		}
	})
}
