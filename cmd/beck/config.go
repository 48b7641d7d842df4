package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	var example bool
	output := newChoice("table", "json", "yaml")
	cmd := &cobra.Command{
		Use:   "config [COMMAND] [-- FLAGS]",
		Short: "Print what the flags of a command are set to, and by what",
		Long: `config prints, for COMMAND or for all, the value of each key and where it is
from. What counts is, first to last:

  flag         what the command line says
  environment  BECK_STORE_RETAIN for the flag --retain of store
  context      that of --context, BECK_CONTEXT or "beck context use"
  file         YAML, that of --config, BECK_CONFIG or /etc/beck/beck.yaml
  default

Keys that all commands of a mesh share, such as sub and pub, may also be given
without the command: BECK_SUB, or sub in a file. An unknown key and a bad value
are errors that name the file and line or the variable.

With -o yaml it prints a file to the same effect, with --example one of all keys
and their defaults.`,
		Example: `  beck config store
  beck config store -- --data /var/lib/beck --retain '>=age:7d'
  beck config consume -o json
  beck config --example > beck.yaml`,
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			if example {
				return printExample(cmd.OutOrStdout(), args)
			}
			return runConfig(cmd, args, output.value)
		}),
		ValidArgsFunction: completeCommand,
	}
	cmd.Flags().VarP(output, "output", "o", "`FORMAT`: table, json or yaml")
	cmd.Flags().BoolVar(&example, "example", false, "print a configuration file with every key, its meaning and its default")
	return cmd
}

// setting is one key as it counts for a command.
type setting struct {
	Key      string `json:"key"`
	Flag     string `json:"flag"`
	Variable string `json:"variable"`
	Value    any    `json:"value"` // a string, or []string of a list
	Layer    string `json:"layer"`
	From     string `json:"from"`

	text []string
	list bool
}

func newSetting(key config.Key) setting {
	layer, place := config.Origin(key.Flag)
	s := setting{
		Key: key.Name, Flag: "--" + key.Flag.Name, Variable: key.Variable(),
		Layer: layer, From: place, text: key.Current(), list: key.List(),
	}
	s.Value = strings.Join(s.text, "")
	if s.list {
		s.Value = append([]string{}, s.text...)
	}
	return s
}

// shown is the value in a table.
func (s *setting) shown(key config.Key) string {
	if s.Layer == config.FromDefault {
		if text := key.DefaultText(); text != "" {
			return text
		}
	}
	text := strings.Join(s.text, " ")
	if strings.IndexFunc(text, unicode.IsControl) >= 0 { // it would break the table
		return strconv.Quote(text)
	}
	return text
}

func printExample(w io.Writer, args []string) error {
	if len(args) > 0 {
		return usagef("--example is of all commands, not of %s", strings.Join(args, " "))
	}
	s, err := schema()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, exampleTitle); err != nil {
		return err
	}
	return config.Write(w, s.Example())
}

const exampleTitle = `# A configuration file of beck: every key, commented out, with its default.
# A flag of the command line, a variable of the environment (named beside each
# key) and a context count before what is written here. Keys of a section count
# before those above, which serve every section that is named beside them.

`

func runConfig(cmd *cobra.Command, args []string, format string) error {
	s, err := schema()
	if err != nil {
		return err
	}
	values, err := layers(cmd, s)
	if err != nil {
		return usageError{err}
	}
	commands, err := commandsOf(cmd.Root(), args)
	if err != nil {
		return usageError{err}
	}
	var keys []config.Key
	for _, c := range commands {
		if err := apply(values, c); err != nil {
			return usageError{err}
		}
		keys = append(keys, config.Keys(sectionOf(c))...)
	}
	return printSettings(cmd.OutOrStdout(), format, keys)
}

// commandsOf returns the command that the words call, with its flags parsed;
// without words all.
func commandsOf(root *cobra.Command, words []string) (all []*cobra.Command, err error) {
	if len(words) == 0 {
		walk(root, func(cmd *cobra.Command) { all = append(all, cmd) })
		return all, nil
	}
	cmd, rest, err := root.Find(words)
	if err != nil {
		return nil, err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return nil, err
	}
	if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 {
		return nil, fmt.Errorf("unknown command %q", strings.Join(words, " "))
	}
	return []*cobra.Command{cmd}, nil
}

func printSettings(w io.Writer, format string, keys []config.Key) error {
	switch format {
	case "json":
		settings := []setting{}
		for _, key := range keys {
			settings = append(settings, newSetting(key))
		}
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(settings)
	case "yaml":
		return printYAML(w, keys)
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "KEY\tVALUE\tFROM")
	for _, key := range keys {
		s := newSetting(key)
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Key, s.shown(key), s.From)
	}
	return t.Flush()
}

func printYAML(w io.Writer, keys []config.Key) error {
	var entries []config.Entry
	for _, key := range keys {
		s := newSetting(key)
		e := config.Entry{Name: s.Key, Text: s.text, Place: s.From, Set: s.Layer != config.FromDefault}
		if e.Set && len(e.Text) == 0 {
			e.Text = []string{""} // given as nothing
		}
		entries = append(entries, e)
	}
	return config.Write(w, entries)
}
