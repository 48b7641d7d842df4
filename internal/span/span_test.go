package span

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func TestSet(t *testing.T) {
	for text, want := range map[string]Span{
		"beginning":                   {From: Beginning},
		"start":                       {From: Beginning},
		"end":                         {From: End},
		"stored":                      {From: Stored},
		"0":                           {From: Offset},
		"18446744073709551615":        {From: Offset, Offset: 1<<64 - 1},
		"-1":                          {From: Last, Count: 1},
		"-25":                         {From: Last, Count: 25},
		"s@0":                         {From: Time, Begin: time.UnixMilli(0).UTC()},
		"s@1700000000123":             {From: Time, Begin: time.UnixMilli(1700000000123).UTC()},
		"s@2026-01-31T13:00:00+02:00": {From: Time, Begin: now.Add(-time.Hour)},
		"s@1h":                        {From: Time, Begin: now.Add(-time.Hour)},
		"e@7d":                        {Until: now.AddDate(0, 0, -7)},
	} {
		var got Span
		if err := got.Set(text, now); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestSetBoth(t *testing.T) {
	for _, order := range [][]string{{"s@2h", "e@1h"}, {"e@1h", "s@2h"}} {
		var got Span
		for _, text := range order {
			if err := got.Set(text, now); err != nil {
				t.Fatal(err)
			}
		}
		if want := (Span{From: Time, Begin: now.Add(-2 * time.Hour), Until: now.Add(-time.Hour)}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `"": want beginning, end, stored, N, -N, s@TIME or e@TIME`,
		"begin":                  `"begin": want beginning,`,
		"+5":                     `"+5": want`,
		"1.5":                    `"1.5": want`,
		"--1":                    `"--1": want`,
		"18446744073709551616":   `"18446744073709551616": want`,
		"-0":                     `-0: want at least -1`,
		"s@":                     `"" is no TIME: want ms since 1970, RFC 3339 such as`,
		"s@soon":                 `"soon" is no TIME`,
		"e@-1h":                  `"-1h" is no TIME`,
		"e@-5":                   `"-5" is no TIME`,
		"s@253402300800000":      `253402300800000: want at most 253402300799999`,
		"s@1969-12-31T23:59:59Z": `1969-12-31T23:59:59Z: want a time between 1970 and 9999`,
		"s@3000w":                `3000w: want a time between 1970 and 9999`,
		"@1h":                    `"@1h": want`,
		strings.Repeat("x", 99):  `"` + strings.Repeat("x", 60) + `": want`,
	} {
		var got Span
		err := got.Set(text, now)
		if err == nil || !strings.HasPrefix(err.Error(), want) || got != (Span{}) {
			t.Errorf("%s: got %+v, %v; want %s", text, got, err, want)
		}
	}
	for _, twice := range [][2]string{{"beginning", "-1"}, {"e@1h", "e@2h"}, {"s@1h", "5"}} {
		var got Span
		if err := got.Set(twice[0], now); err != nil {
			t.Fatal(err)
		}
		if err := got.Set(twice[1], now); !errors.Is(err, ErrTwice) {
			t.Errorf("%v: %v", twice, err)
		}
	}
	got := Span{From: Time, Begin: now}
	if err := got.Set("e@1h", now); err == nil || !strings.Contains(err.Error(), "ends at 2026-01-31T11:00:00Z, before it begins") {
		t.Errorf("turned round: %v", err)
	}
}

func TestAges(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond,
		"1d": 24 * time.Hour, "1.5d": 36 * time.Hour, "2w": 14 * 24 * time.Hour, "1w1d1h": 193 * time.Hour, "1d12h": 36 * time.Hour,
	} {
		if got, ok := parseAge(text); !ok || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "d", "1d1w", "1d1d", "-1d", "+1d", "+1h", "1d-1h", "NaNd", "infd", "0x1d", "1e3d", "99999999d", "9999999h", "1_0d", "1 d"} {
		if got, ok := parseAge(text); ok {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

// FuzzSet: what is taken is in its bounds, and what is refused changes nothing.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{"-5", "s@1h", "e@2026-01-31T12:00:00Z", "s@1.5d", "e@99999999999999", "stored", "1w2d3h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Span
		if err := s.Set(text, now); err != nil {
			if s != (Span{}) {
				t.Fatalf("%q: %+v beside %v", text, s, err)
			}
			return
		}
		for _, at := range []time.Time{s.Begin, s.Until} {
			if !at.IsZero() && (at.UnixMilli() < 0 || at.Year() > 9999) {
				t.Fatalf("%q is %s", text, at)
			}
		}
		if s.From == Last && s.Count == 0 {
			t.Fatalf("%q is the last no records", text)
		}
	})
}
