package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/config"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

var updateKeys = flag.Bool("update-keys", false, "write the table of docs/configuration.md")

// TestTableOfKeys compares the table of docs/configuration.md with the commands.
func TestTableOfKeys(t *testing.T) {
	const file, begin, end = "../../docs/configuration.md", "<!-- keys -->\n", "<!-- end of keys -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", file)
	}
	table := tableOfKeys(testSchema(t))
	if *updateKeys {
		if err := os.WriteFile(file, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(old, table); diff != "" {
		t.Errorf("%s is not what the commands are (\"make keys\" writes it): %s", file, diff)
	}
}

func tableOfKeys(s *config.Schema) string {
	var b strings.Builder
	const head = "\n| Key | Variable | Default | Meaning |\n|---|---|---|---|\n"
	b.WriteString(head)
	for _, key := range s.Bare() {
		name := key.Flag.Name
		commands := strings.Join(s.Sharing(name), ", ")
		writeKey(&b, key, name, fmt.Sprintf("; of %s", strings.ReplaceAll(commands, ".", " ")))
	}
	section := ""
	for _, key := range s.Keys() {
		if key.Shared {
			continue
		}
		if key.Section != section {
			section = key.Section
			fmt.Fprintf(&b, "\n`beck %s`:\n%s", strings.ReplaceAll(section, ".", " "), head)
		}
		writeKey(&b, key, key.Name, "")
	}
	b.WriteString("\n")
	return b.String()
}

func writeKey(b *strings.Builder, key config.Key, name, more string) {
	_, usage := pflag.UnquoteUsage(key.Flag)
	standard := key.DefaultText()
	if texts := key.Current(); standard == "" && len(texts) > 0 {
		standard = "`" + strings.Join(texts, " ") + "`"
	}
	cells := []string{"`" + name + "`", "`" + config.Variable(name) + "`", standard, usage + more}
	for i, cell := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(cell)
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}
