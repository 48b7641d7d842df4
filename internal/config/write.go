package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Entry is a key in a file: with a value, or with its default behind a #.
type Entry struct {
	Name  string   // of the key, or a bare name
	Note  []string // comment lines above it
	Text  []string // several are a list; nothing: the key is there without a value
	Place string   // where the value is from, as a comment behind it
	Set   bool     // else the entry is commented out
}

// Write writes a configuration file. Entries of one section must stand together.
func Write(w io.Writer, entries []Entry) error {
	var b strings.Builder
	var open []string // sections that we are in
	for _, e := range entries {
		path := strings.Split(e.Name, ".")
		parents := path[:len(path)-1]
		same := common(open, parents)
		for depth := same; depth < len(parents); depth++ {
			if depth == 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "%s%s:\n", indent(depth), parents[depth])
		}
		open = parents
		if err := e.write(&b, path[len(path)-1], indent(len(parents))); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// common returns how many sections a and b begin with together.
func common(a, b []string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func indent(depth int) string { return strings.Repeat("  ", depth) }

func (e Entry) write(b *strings.Builder, name, margin string) error {
	for _, line := range e.Note {
		fmt.Fprintf(b, "%s# %s\n", margin, line)
	}
	value, err := inline(e.Text)
	if err != nil {
		return err
	}
	line := strings.TrimSpace(name + ": " + value)
	if !e.Set {
		line = "#" + line
	}
	if e.Place != "" {
		line += " # " + e.Place
	}
	fmt.Fprintln(b, margin+line)
	return nil
}

// inline returns one text, or a list of several, as YAML has them in a line.
// Nothing is "".
func inline(texts []string) (string, error) {
	if len(texts) == 0 {
		return "", nil
	}
	node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, text := range texts {
		item := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
		if text == "" || strings.ContainsAny(text, "\r\n\t") || isNull(item) {
			item.Tag, item.Style = "!!str", yaml.DoubleQuotedStyle
		}
		node.Content = append(node.Content, item)
	}
	if len(texts) == 1 {
		node = node.Content[0]
	}
	var b strings.Builder
	out := yaml.NewEncoder(&b)
	if err := out.Encode(node); err != nil {
		return "", fmt.Errorf("writing YAML: %w", err)
	}
	err := out.Close()
	return strings.TrimRight(b.String(), "\n"), err
}

// Example returns an entry for every key, commented out, with what its flag
// says of it, its variable and its default.
func (s *Schema) Example() (entries []Entry) {
	for _, key := range s.Bare() {
		e := key.example()
		e.Name = key.Flag.Name
		e.Note[len(e.Note)-1] = Variable(e.Name) + "; for " + strings.Join(s.Sharing(e.Name), ", ")
		entries = append(entries, e)
	}
	for _, key := range s.keys {
		entries = append(entries, key.example())
	}
	return entries
}

// Sharing returns the sections that a bare name serves.
func (s *Schema) Sharing(bare string) (sections []string) {
	for _, key := range s.bare[bare] {
		sections = append(sections, key.Section)
	}
	return sections
}

func (k Key) example() Entry {
	_, usage := pflag.UnquoteUsage(k.Flag)
	e := Entry{Name: k.Name, Note: strings.Split(usage, "\n"), Text: k.Current()}
	if text := k.DefaultText(); text != "" {
		e.Note = append(e.Note, "default: "+text)
		e.Text = nil
	}
	e.Note = append(e.Note, k.Variable())
	return e
}

// DefaultText returns what the flag says its default is, where that is a
// description and no value: "port 5556 of --listen".
func (k Key) DefaultText() string {
	if text := k.Flag.DefValue; text != k.Flag.Value.String() && text != "[]" {
		return text
	}
	return ""
}
