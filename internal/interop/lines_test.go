//go:build unix

package interop

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// sourceLines returns n lines of real files, the sources of this repository,
// each behind its number. (C programs drop the spaces and returns at the end
// of a line and cannot read an empty one.)
func sourceLines(t *testing.T, tag string, n int) string {
	t.Helper()
	var text strings.Builder
	for i := 0; i < n; {
		for _, name := range []string{"../mesh/dial.go", "../../protocol/message.go", "../../LICENSE"} {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(file)) {
				if i == n {
					break
				}
				fmt.Fprintf(&text, "%s %d %s\n", tag, i, strings.TrimRight(line, "\r\n"))
				i++
			}
		}
	}
	return text.String()
}

// printed returns what a consumer printed of the records whose values begin
// with tag. C consumers print topic and partition before the value, and their
// log lines among the records.
func printed(p *process, tag string) string {
	var text strings.Builder
	for line := range strings.Lines(p.out.String()) {
		if rest, ok := strings.CutPrefix(line, topic+" "); ok {
			_, line, _ = strings.Cut(rest, " ")
		}
		if strings.HasPrefix(line, tag+" ") {
			text.WriteString(line)
		}
	}
	return text.String()
}

// expect waits until a consumer has printed the last line of text, then checks
// that it printed all of text and nothing else of its tag.
func expect(t *testing.T, p *process, text string) {
	t.Helper()
	tag, _, _ := strings.Cut(text, " ")
	last := text[strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1:]
	p.says(last)
	same(t, p.name, printed(p, tag), text)
}

// same compares two texts and names the first line that differs.
func same(t *testing.T, who, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s: line %d is %q, want %q (%d lines of %d)", who, i, g[i], w[i], len(g)-1, len(w)-1)
		}
	}
	t.Fatalf("%s: %d lines, want %d", who, len(g)-1, len(w)-1)
}
