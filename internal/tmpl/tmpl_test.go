package tmpl

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 31, 15, 4, 5, 6, time.UTC)

func TestAppend(t *testing.T) {
	for text, want := range map[string]string{
		"":                                `^$`,
		"plain }} ü":                      `^plain }} ü$`,
		"message {{Count}} of {{.Count}}": `^message 7 of 7$`,
		"{{TimeStamp}}|{{.TimeStamp}}":    `^2026-01-31T15:04:05Z\|2026-01-31T15:04:05Z$`,
		"{{Unix}} {{UnixNano}} {{Time}}":  `^1769871845 1769871845000000006 3:04PM$`,
		"{{ID}}":                          `^[A-Z2-7]{26}$`,
		"{{Random 3 3}}-{{.Random 1 5}}":  `^\w{3}-\w{1,5}$`,
		`{{printf "%05d" Count}}`:         `^00007$`,
		`{{if gt Count 6}}late{{end}}`:    `^late$`,
	} {
		tm, err := Parse(text, 100)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := tm.Append([]byte(">"), 7, now)
		if err != nil || got[0] != '>' || !regexp.MustCompile(want).Match(got[1:]) {
			t.Errorf("%s: got %q, %v; want %s", text, got, err, want)
		}
	}
}

func TestIDsDiffer(t *testing.T) {
	tm, err := Parse("{{ID}}", 100)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := tm.Append(nil, 1, now)
	b, _ := tm.Append(nil, 2, now)
	if string(a) == string(b) {
		t.Errorf("%s came twice", a)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{{":                   "template: 1: unclosed action",
		"{{Cuont}}":            `template: 1: function "Cuont" not defined`,
		"{{.Cuont}}":           "template: 1:2: executing \"\" at <.Cuont>: can't evaluate field Cuont",
		"{{Random 5 2}}":       "template: 1:2: executing \"\" at <Random 5 2>: error calling Random: Random 5 2: want 0 to 1048576",
		"{{Random 0 2000000}}": "template: 1:2: executing",
		"{{Random -1 2}}":      "template: 1:2: executing",
		"{{Random 11 11}}":     "template: the text is longer than the 10 bytes allowed",
		"{{Count}}1234567890":  "template: the text is longer than the 10 bytes allowed",
		"12345678901":          "the text is longer than the 10 bytes allowed",
	} {
		_, err := Parse(text, 10)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
