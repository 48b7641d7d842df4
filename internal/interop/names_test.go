//go:build unix

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestInteropNames calls beck by the names of the C console programs, with their
// configuration file, and sees that both kinds of consumer print the same of
// what both kinds of producer were given.
func TestInteropNames(t *testing.T) {
	need(t, cProducer, cConsumer)
	m := newMesh(t, ours)
	m.store(ours)
	const text = "first\nends with a return\r\n\n a space before, and one behind \n%s\\n\n"
	for _, producer := range []string{cProducer, linkTo(t, cProducer)} {
		p := m.foreign(producer, topic)
		p.write(text + "no newline at the end")
		p.finish()
	}
	const lines = 12
	var texts []string
	for _, consumer := range []string{cConsumer, linkTo(t, cConsumer)} {
		c := m.foreign(consumer, topic, "--from-beginning")
		c.until("all records", func() bool { return strings.Count(c.out.String(), "\n") >= lines })
		sorted := slices.Sorted(strings.Lines(c.out.String()))
		texts = append(texts, strings.Join(sorted, ""))
	}
	same(t, linkTo(t, cConsumer), texts[1], texts[0])
	if n := strings.Count(texts[0], "\n"); n != lines || strings.Contains(texts[0], "\r") {
		t.Errorf("%d lines, want %d without carriage returns: %q", n, lines, texts[0])
	}
}

// linkTo returns a link to our program that has the name of a C one.
func linkTo(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(ours)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = filepath.Abs(program); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	return link
}
