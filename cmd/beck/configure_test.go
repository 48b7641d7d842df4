package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// visible returns every command that is not hidden.
func visible(t *testing.T) (all []*cobra.Command) {
	t.Helper()
	walk(newRoot(), func(cmd *cobra.Command) { all = append(all, cmd) })
	if len(all) < 10 {
		t.Fatalf("found %d commands", len(all))
	}
	return all
}

func testSchema(t *testing.T) *config.Schema {
	t.Helper()
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample returns a text that the flag takes, its default if that is one.
func sample(t *testing.T, f *pflag.Flag) string {
	t.Helper()
	texts := []string{f.DefValue, "true", "1", "1s", "1/s", "tcp://127.0.0.1:1", "x=y", "x", "none", strings.Repeat("0A", 16)}
	if c, ok := f.Value.(chooser); ok {
		texts = c.Choices()
	}
	for _, text := range texts {
		if text != "" && text != "[]" && f.Value.Set(text) == nil {
			return text
		}
	}
	t.Fatalf("--%s takes none of %q: is one missing here?", f.Name, texts)
	return ""
}

// TestEveryFlagHasItsKey sets each flag of each command by its variable and by
// a file, under the one rule for names.
func TestEveryFlagHasItsKey(t *testing.T) {
	s := testSchema(t)
	var examples []config.Section
	walk(newRoot(), func(cmd *cobra.Command) { examples = append(examples, sectionOf(cmd)) })
	for i, cmd := range visible(t) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" || f.Name == config.FileFlag || f.Name == config.ContextFlag {
				return
			}
			words := append(strings.Fields(cmd.CommandPath())[1:], f.Name)
			variable := "BECK_" + strings.ToUpper(strings.ReplaceAll(strings.Join(words, "_"), "-", "_"))
			text := sample(t, examples[i].Flags.Lookup(f.Name))

			environment, err := s.Environment([]string{variable + "=" + text})
			if err != nil {
				t.Errorf("%s: %v", cmd.CommandPath(), err)
			}
			wantSet(t, cmd, f, environment, variable)

			var yaml bytes.Buffer
			entry := config.Entry{Name: strings.Join(words, "."), Text: []string{text}, Set: true}
			if err := config.Write(&yaml, []config.Entry{entry}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "beck.yaml")
			if err := os.WriteFile(path, yaml.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := s.File(path)
			if err != nil {
				t.Errorf("%s: %v", cmd.CommandPath(), err)
			}
			wantSet(t, cmd, f, file, path)
		})
	}
}

// wantSet applies a layer to a command like cmd: it must set the flag.
func wantSet(t *testing.T, cmd *cobra.Command, f *pflag.Flag, layer config.Layer, place string) {
	t.Helper()
	values, err := config.Merge(layer)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := newRoot().Find(strings.Fields(cmd.CommandPath())[1:])
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(values, again); err != nil {
		t.Errorf("%s: %v", cmd.CommandPath(), err)
	}
	_, got := config.Origin(again.Flag(f.Name))
	if !again.Flag(f.Name).Changed || !strings.HasPrefix(got, place) {
		t.Errorf("%s --%s: is from %q, want %s", cmd.CommandPath(), f.Name, got, place)
	}
}

// TestExampleFileHoldsDefaults uncomments all of "beck config --example": it
// must be read, and name every key.
func TestExampleFileHoldsDefaults(t *testing.T) {
	var out, errOut bytes.Buffer
	if status := run([]string{"config", "--example", "--config=", "--context="}, nil, &out, &errOut); status != 0 {
		t.Fatalf("status %d: %s", status, errOut.String())
	}
	without := regexp.MustCompile(`(?m)^ *#[a-z].*:$`) // keys without a default
	commented := regexp.MustCompile(`(?m)^( *)#([a-z])`)
	text := commented.ReplaceAllString(without.ReplaceAllString(out.String(), ""), "$1$2")
	path := filepath.Join(t.TempDir(), "beck.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := testSchema(t)
	layer, err := s.File(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range s.Keys() {
		value, ok := layer[key.Name]
		name := key.Name[strings.LastIndexByte(key.Name, '.')+1:]
		switch {
		case !strings.Contains(out.String(), key.Variable()+"\n"):
			t.Errorf("%s is not in the example", key.Name)
		case ok && strings.Join(value.Text, " ") != strings.Join(key.Current(), " "):
			t.Errorf("%s is %q in the example, want %q", key.Name, value.Text, key.Current())
		case !ok && !strings.Contains(out.String(), "#"+name+":\n"):
			t.Errorf("%s has no line in the example", key.Name)
		}
	}
}

// TestVariablesAreKnown finds variables in the sources that a user of the
// program could not set: beck would call them unknown.
func TestVariablesAreKnown(t *testing.T) {
	s := testSchema(t)
	quoted := regexp.MustCompile(`"(BECK_[A-Z0-9_]+)"`)
	found := 0
	err := filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.Contains(path, "internal/config/") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range quoted.FindAllSubmatch(text, -1) {
			found++
			if _, err := s.Environment([]string{string(m[1]) + "=true"}); err != nil && strings.Contains(err.Error(), "unknown") {
				t.Errorf("%s: %v; enter it in internal/config/environment.go", path, err)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("found %d, %v", found, err)
	}
}
