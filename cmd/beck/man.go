package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is hidden: it is for who builds packages.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write a man page of each command to a directory",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: runs(func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("man: %w", err)
			}
			root := newRoot()
			walk(root, func(cmd *cobra.Command) {
				cmd.Long = markdown(cmd.Long)
				cmd.DisableAutoGenTag = true
			})
			header := &doc.GenManHeader{Section: "1", Source: "beck " + versionText(), Manual: "beck"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("man: %w", err)
			}
			return nil
		}),
	}
}

// special is what Markdown, from which the pages are made, does not print.
var special = regexp.MustCompile("[\\\\*_<>#`\\[\\]]")

// markdown turns a command's description, which is plain text with indented
// examples and tables, into Markdown that looks like it.
func markdown(text string) string {
	var b strings.Builder
	inProse := false
	for line := range strings.Lines(text) {
		indented := strings.HasPrefix(line, "  ")
		if indented && inProse { // else it goes on with the paragraph
			b.WriteString("\n")
		}
		if inProse = !indented && strings.TrimSpace(line) != ""; indented {
			b.WriteString("    " + line)
		} else {
			b.WriteString(special.ReplaceAllString(line, `\$0`))
		}
	}
	return b.String()
}
