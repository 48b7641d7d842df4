package zpl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const text = "# whole line\r\n" +
		"context\n" +
		"    iothreads = 1   # threads\n" +
		"\n" +
		"  # a comment is indented as it likes\n" +
		"    verbose=\n" +
		"main = value of a section\n" +
		"    type = \"a # b\" # comment\n" +
		"    frontend\n" +
		"        bind = 'say \"x\"'\n" +
		"        bind = tcp://*:5556\n" +
		"    backend/io = x=y"
	root, err := Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []*Item{
		{Name: "context", Line: 2, Items: []*Item{
			{Name: "iothreads", Value: "1", HasValue: true, Line: 3},
			{Name: "verbose", HasValue: true, Line: 6},
		}},
		{Name: "main", Value: "value of a section", HasValue: true, Line: 7, Items: []*Item{
			{Name: "type", Value: "a # b", HasValue: true, Line: 8},
			{Name: "frontend", Line: 9, Items: []*Item{
				{Name: "bind", Value: `say "x"`, HasValue: true, Line: 10},
				{Name: "bind", Value: "tcp://*:5556", HasValue: true, Line: 11},
			}},
			{Name: "backend/io", Value: "x=y", HasValue: true, Line: 12},
		}},
	}
	if d := cmp.Diff(want, root.Items); d != "" {
		t.Error(d)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"half a level", "a\n  b = 1", "f:2: invalid ZPL: indented 2 spaces, want four for a level"},
		{"two levels at once", "a\n        b = 1", "f:2: invalid ZPL: indented 8 spaces, at most 4 are possible here"},
		{"first line indented", "    b = 1", "f:1: invalid ZPL: indented 4 spaces, at most 0"},
		{"tab", "a\n\tb = 1", "f:2: invalid ZPL: a tab"},
		{"no name", "\n= 1", "f:2: invalid ZPL: a name cannot begin with '='"},
		{"bad name", "ä = 1", "a name cannot begin with 'ä'"},
		{"slash", "/a = 1", `name "/a" begins or ends with a slash`},
		{"two words", "a b", `unexpected "b"`},
		{"open quote", "a = 'x", "the quote ' is not closed"},
		{"behind a quote", `a = "x" y`, `unexpected "y"`},
		{"zero byte", "a = \x00", "a byte of the line is 0"},
		{"long line", "a = " + strings.Repeat("x", MaxLine), "line is longer than"},
		{"depth", deep(MaxDepth + 1), "deeper than 16 levels"},
		{"size", strings.Repeat("#\n", MaxBytes), "longer than 1048576 bytes"},
	} {
		_, err := Parse("f", []byte(tt.text))
		if !errors.Is(err, ErrSyntax) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := Parse("f", []byte(deep(MaxDepth))); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
}

// deep returns a text of so many levels.
func deep(levels int) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, "%*sx\n", i*indent, "")
	}
	return b.String()
}

// FuzzParse sees that what was read reads the same when it is written again, and
// that lines are those of the text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a = 1\n", "a\n    b = \"x\" # y\n    c\n", "#\n\n a", "a = 'x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := Parse("f", text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) || root != nil {
				t.Fatalf("got %v, %v", root, err)
			}
			return
		}
		again, err := Parse("f", []byte(write(root, 0)))
		if err != nil {
			t.Fatalf("written again it is refused: %v\n%s", err, write(root, 0))
		}
		checkLines(t, root, strings.Count(string(text), "\n")+1)
		forgetLines(root)
		forgetLines(again)
		if d := cmp.Diff(root, again); d != "" {
			t.Fatal(d)
		}
	})
}

func write(i *Item, level int) string {
	var b strings.Builder
	for _, c := range i.Items {
		fmt.Fprintf(&b, "%*s%s", level*indent, "", c.Name)
		if quote := `"`; c.HasValue {
			if strings.Contains(c.Value, quote) {
				quote = "'"
			}
			if strings.Contains(c.Value, quote) {
				quote = "" // both kinds, so it had none around it
			}
			b.WriteString(" = " + quote + c.Value + quote)
		}
		b.WriteString("\n" + write(c, level+1))
	}
	return b.String()
}

func checkLines(t *testing.T, i *Item, most int) {
	for _, c := range i.Items {
		if c.Line <= i.Line || c.Line > most {
			t.Fatalf("%q is on line %d, its parent on %d of %d", c.Name, c.Line, i.Line, most)
		}
		checkLines(t, c, most)
	}
}

func forgetLines(i *Item) {
	i.Line = 0
	for _, c := range i.Items {
		forgetLines(c)
	}
}
