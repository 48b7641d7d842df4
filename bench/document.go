package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// document is the file that the tables are written into.
const document = "performance.md"

// errMarkers says that a document has no place for what is to be written.
var errMarkers = errors.New("markers not found")

// replaceBetween puts text between the two markers of a name, which are
// comments of Markdown on lines of their own.
func replaceBetween(doc, name, text string) (string, error) {
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	i := strings.Index(doc, begin)
	j := strings.Index(doc, end)
	if i < 0 || j < i {
		return "", fmt.Errorf("%w: %s", errMarkers, strings.TrimSpace(begin))
	}
	return doc[:i+len(begin)] + strings.TrimSpace(text) + "\n" + doc[j:], nil
}

// updateDocument replaces named parts of the document in a directory.
func updateDocument(dir string, parts map[string]string) error {
	name := filepath.Join(dir, document)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	doc := string(text)
	for marker, part := range parts {
		if doc, err = replaceBetween(doc, marker, part); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.WriteFile(name, []byte(doc), 0o666)
}

// writeComparison writes tables and charts.
func writeComparison(c *comparison, chosen []system, r *results) error {
	images := filepath.Join(c.docs, "images")
	if err := os.MkdirAll(images, 0o777); err != nil {
		return err
	}
	parts := map[string]string{
		"machine": machine(c.dir) + fmt.Sprintf("\nMeasured with `make compare ROUNDS=%d COUNT=%d`.\n", c.rounds, c.count),
	}
	if len(c.modes) == len(allModes) && len(c.only) == 0 { // half a comparison does not replace a whole one
		parts["targets"], parts["systems"] = targetTable(c, r).markdown(), systemsText(chosen)
	}
	for _, mode := range c.modes {
		t := modeTable(c, mode, chosen, r)
		if t.empty() {
			continue
		}
		text := t.markdown()
		if svg := modeChart(c, mode, chosen, r); svg != "" {
			file := "bench-" + mode + ".svg"
			if err := os.WriteFile(filepath.Join(images, file), []byte(svg), 0o666); err != nil {
				return err
			}
			text = fmt.Sprintf("![%s](images/%s)\n\n%s", titles[mode], file, text)
		}
		parts[mode] = text
	}
	return updateDocument(c.docs, parts)
}

// systemsText says how each system was set up.
func systemsText(chosen []system) string {
	var b strings.Builder
	for _, s := range chosen {
		fmt.Fprintf(&b, "- **%s**: %s.\n", s.name, s.note)
	}
	return b.String()
}
