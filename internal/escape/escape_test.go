package escape

import (
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]string{
		``:                  "",
		`plain ünï`:         "plain ünï",
		`\n\t\r\\`:          "\n\t\r\\",
		`a\0b`:              "a\x00b",
		`\x00\xfF\x0a1`:     "\x00\xff\n1",
		`\012\377\01x\0008`: "\n\xff\x01x\x008",
		`\\n`:               `\n`,
	} {
		got, err := Bytes(text)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestBytesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`ab\q`:    `\q at position 3`,
		`üü\ü!`:   `\ü at position 3`,
		`end\`:    `\ at position 4`,
		`\x4`:     `\x at position 1`,
		`\xgg`:    `\x at position 1`,
		`\1`:      `\1 at position 1`,
		`\8`:      `\8 at position 1`,
		`\400`:    `\4 at position 1`,
		"\\\xff.": "\\\xff at position 1",
	} {
		got, err := Bytes(text)
		if err == nil || !strings.HasPrefix(err.Error(), want+" is no escape: want ") || got != nil {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
}

// FuzzBytes: whatever the text, what it stands for is never longer, and text
// without a backslash stands for itself.
func FuzzBytes(f *testing.F) {
	for _, seed := range []string{`a\n`, `\x0`, `\377\`, `\0000`, "\\\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Bytes(text)
		switch {
		case !strings.Contains(text, `\`) && (err != nil || string(got) != text):
			t.Fatalf("%q: got %q, %v", text, got, err)
		case len(got) > len(text):
			t.Fatalf("%q: got %q", text, got)
		case err != nil && strings.Contains(err.Error(), "\n") && !strings.Contains(text, "\n"):
			t.Fatalf("%q: error of two lines: %v", text, err)
		}
	})
}
