package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestCommandsHaveExamples requires examples of every command, and that those
// that need no shell are commands as they stand there.
func TestCommandsHaveExamples(t *testing.T) {
	for _, cmd := range visible(t) {
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s wants a Short and an Example", cmd.CommandPath())
		}
		own := false
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented by two spaces", cmd.CommandPath(), line)
			}
			own = own || strings.Contains(line, cmd.CommandPath()) || len(cmd.Aliases) > 0
			words := strings.Fields(line)
			if words[0] != "beck" || strings.ContainsAny(line, `'"|<>$`) {
				continue
			}
			target, rest, err := newRoot().Find(words[1:])
			if err == nil {
				err = target.ParseFlags(rest)
			}
			if err == nil {
				err = target.ValidateArgs(target.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
			}
		}
		if !own && cmd.HasParent() {
			t.Errorf("%s is in none of its examples", cmd.CommandPath())
		}
	}
}

// TestManPages requires a page of every command with its flags and examples.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	var errOut bytes.Buffer
	if status := run([]string{"man", dir}, nil, &errOut, &errOut); status != 0 {
		t.Fatalf("status %d: %s", status, errOut.String())
	}
	for _, cmd := range visible(t) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		text := strings.ReplaceAll(string(page), `\-`, "-")
		if !strings.Contains(text, ".SH EXAMPLE") || !strings.Contains(text, ".SH NAME") {
			t.Errorf("%s: its page has no name or example", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if has := strings.Contains(text, "--"+f.Name); has == f.Hidden {
				t.Errorf("%s --%s: in its page %v, hidden %v", cmd.CommandPath(), f.Name, has, f.Hidden)
			}
		})
	}
	pages, err := os.ReadDir(dir)
	if err != nil || len(pages) != len(visible(t)) {
		t.Errorf("%d pages of %d commands, %v", len(pages), len(visible(t)), err)
	}
}

// TestMarkdown keeps what a man page must print as it is.
func TestMarkdown(t *testing.T) {
	const text = "a *b* <c> _d_\n\n  e *f*\n  g\nh:\n  i\n"
	const want = "a \\*b\\* \\<c\\> \\_d\\_\n\n      e *f*\n      g\nh:\n\n      i\n"
	if got := markdown(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
