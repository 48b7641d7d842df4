package blocklog

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParsePolicy(t *testing.T) {
	for _, c := range []struct {
		text string
		want Policy
		back string // "": the same
	}{
		{"records:1000", Policy{Records: 1000}, ""},
		{"age:24h", Policy{Age: 24 * time.Hour}, "age:24h0m0s"},
		{"age:30d", Policy{Age: 30 * 24 * time.Hour}, "age:720h0m0s"},
		{"bytes:10GiB", Policy{Bytes: 10 << 30}, ""},
		{"bytes:1500", Policy{Bytes: 1500}, "bytes:1500"},
		{"bytes:2MB", Policy{Bytes: 2e6}, "bytes:2000000"},
		{"bytes:7 B", Policy{Bytes: 7}, "bytes:7"},
		{"age:1m30s, records:5 ,bytes:1KiB", Policy{5, 90 * time.Second, 1024}, "records:5,age:1m30s,bytes:1KiB"},
	} {
		got, err := ParsePolicy(c.text)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.text, got, err, c.want)
		}
		back := c.back
		if back == "" {
			back = c.text
		}
		if got.String() != back {
			t.Errorf("%q is written %q, want %q", c.text, got, back)
		}
		if again, err := ParsePolicy(got.String()); err != nil || again != got {
			t.Errorf("%q read again: %+v, %v", got, again, err)
		}
	}
	if text := (Policy{}).String(); text != "" {
		t.Errorf("no limit is written %q", text)
	}
}

func TestParseRuleErrors(t *testing.T) {
	for _, c := range []struct{ text, hint string }{
		{"records:5", "PATTERN=policy"},
		{"=records:5", "pattern is empty"},
		{"a=", "want records:N"},
		{"a=records", "want records:N"},
		{"a=size:5", `unknown limit "size"`},
		{"a=records:5,records:6", "twice"},
		{"a=records:0", "above 0"},
		{"a=records:-1", "whole number"},
		{"a=records:many", "whole number"},
		{"a=age:soon", "not a duration"},
		{"a=age:0s", "at least 1ms"},
		{"a=age:-5h", "at least 1ms"},
		{"a=age:0d", "above 0"},
		{"a=age:200000d", "too long"},
		{"a=bytes:10XB", "512MiB"},
		{"a=bytes:99999999TiB", "too large"},
		{"a.>.b=records:1", "last level"},
		{"lo*gs=records:1", "whole levels"},
		{"a.>>=records:1", "whole levels"},
	} {
		r, err := ParseRule(c.text)
		if !errors.Is(err, ErrPolicy) {
			t.Errorf("%q: %+v, %v", c.text, r, err)
			continue
		}
		for _, part := range []string{c.hint, c.text} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: error %q does not say %q", c.text, err, part)
			}
		}
	}
	if _, err := ParseRules([]string{"a=records:1", "b"}); !errors.Is(err, ErrPolicy) {
		t.Error(err)
	}
}

// TestRulesForOwnTopics: only a rule that names beck's own topics is for them.
func TestRulesForOwnTopics(t *testing.T) {
	for _, tt := range []struct {
		rules []string
		want  Policy
	}{
		{nil, Policy{Records: savedRecords}},
		{[]string{">=records:1", "*.*=records:2"}, Policy{Records: savedRecords}},
		{[]string{">=records:1", "_beck.*=records:5"}, Policy{Records: 5}},
		{[]string{"_beck.positions=records:7"}, Policy{Records: 7}},
	} {
		rules, err := ParseRules(tt.rules)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.Policy("_beck.positions"); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.rules, got, tt.want)
		}
	}
	if got := Rules(nil).Policy("t"); got != (Policy{}) {
		t.Errorf("without a rule: %v", got)
	}
}

func TestRulesFirstMatchWins(t *testing.T) {
	rules, err := ParseRules([]string{"logs.audit=age:30d", "logs.*=records:1", "logs.>=records:2",
		"*.x=records:3", "a.*.c=records:4", "key=value=records:5", "*=records:6"})
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]Policy{
		"logs.audit": {Age: 30 * 24 * time.Hour},
		"logs.web":   {Records: 1}, "logs.": {Records: 1},
		"logs.web.1": {Records: 2}, "logs.a.b.c": {Records: 2},
		"some.x": {Records: 3}, "a.b.c": {Records: 4}, "a..c": {Records: 4},
		"key=value": {Records: 5},
		"logs":      {Records: 6}, "other": {Records: 6},
		"a.b": {}, "a.b.c.d": {}, "logsx.y": {}, "": {Records: 6},
	} {
		if got := rules.Policy(topic); got != want {
			t.Errorf("%q: %+v, want %+v", topic, got, want)
		}
	}
	if all, err := ParseRule(">=records:1"); err != nil || !all.Match("a") || !all.Match("a.b.c") {
		t.Errorf("%+v, %v", all, err)
	}
	if text := rules[2].String(); text != "logs.>=records:2" {
		t.Error(text)
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add("logs.*=records:1000,age:24h,bytes:10GiB")
	f.Add("a=b.>=age:9d")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			if !errors.Is(err, ErrPolicy) {
				t.Fatal(err)
			}
			return
		}
		if r.Policy == (Policy{}) || r.Policy.Age < 0 {
			t.Fatalf("%+v", r)
		}
		again, err := ParseRule(r.String())
		if err != nil || again != r {
			t.Fatalf("%+v became %+v: %v", r, again, err)
		}
	})
}

// TestDemandBounds has policies at the edges of their types.
func TestDemandBounds(t *testing.T) {
	s := state{State: State{Next: 10, Records: 10, Content: 100}, oldest: 5}
	for _, p := range []Policy{{}, {Records: math.MaxUint64}, {Bytes: math.MaxUint64}, {Age: math.MaxInt64}, {Records: 10}, {Bytes: 100}} {
		if d, ok := p.demand(&s, time.UnixMilli(1e12)); ok {
			t.Errorf("%v wants %+v", p, d)
		}
	}
}
