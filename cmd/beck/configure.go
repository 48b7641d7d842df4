package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
)

// defaultConfigFile is read where it exists and no other is named.
var defaultConfigFile = "/etc/beck/beck.yaml"

// addConfigFlags adds the flags that every command has.
func addConfigFlags(root *cobra.Command) {
	fl := root.PersistentFlags()
	fl.String(config.FileFlag, "", "`FILE` of YAML with values for flags, \"\" for none (default: "+defaultConfigFile+" if it exists)")
	fl.String(config.ContextFlag, "", "`NAME` of the context to use, \"\" for none (default: that of \"beck context use\")")
}

// sectionName returns what a command's keys begin with: "positions.ls".
func sectionName(cmd *cobra.Command) string {
	words := strings.Fields(cmd.CommandPath())
	return strings.Join(words[1:], ".")
}

// sectionOf returns a command with its own flags.
func sectionOf(cmd *cobra.Command) config.Section {
	return config.Section{Name: sectionName(cmd), Flags: cmd.LocalFlags()}
}

// walk calls visit with every command that is not hidden, root first.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	if cmd.Hidden {
		return
	}
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

// schema returns the keys of this program, from its commands as they are.
func schema() (*config.Schema, error) {
	return config.NewSchema(func() (sections []config.Section) {
		walk(newRoot(), func(cmd *cobra.Command) { sections = append(sections, sectionOf(cmd)) })
		return sections
	})
}

// configureAll lets each command be configured as soon as its line is parsed:
// before its arguments are checked, because that may depend on a flag. What is
// wrong with the configuration is wrong use, as a wrong argument is.
func configureAll(root *cobra.Command) {
	walk(root, func(cmd *cobra.Command) {
		if !cmd.Runnable() {
			return
		}
		check := cmd.Args
		if check == nil {
			check = cobra.ArbitraryArgs
		}
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd); err != nil {
				return err
			}
			return check(cmd, args)
		}
	})
}

// configure sets those flags of a command that its line left out.
func configure(cmd *cobra.Command) error {
	if !configurable(cmd) {
		return nil
	}
	s, err := schema()
	if err != nil {
		return err
	}
	values, err := layers(cmd, s)
	if err != nil {
		return err
	}
	if err := apply(values, cmd); err != nil {
		return err
	}
	return oneMesh(cmd)
}

// oneMesh refuses half of a context: a node that announces itself to one mesh
// and listens to another is nobody's wish.
func oneMesh(cmd *cobra.Command) error {
	sub, pub := cmd.Flag("sub"), cmd.Flag("pub")
	if sub == nil || pub == nil {
		return nil
	}
	subLayer, subPlace := config.Origin(sub)
	pubLayer, pubPlace := config.Origin(pub)
	if subLayer != pubLayer && (subLayer == config.FromContext || pubLayer == config.FromContext) {
		return fmt.Errorf("sub is from %s and pub from %s: name both in one place, or give --context=", subPlace, pubPlace)
	}
	return nil
}

// configurable reports whether the command has a key. Who has none, such as
// "version", does not fail because of a file that it does not need.
func configurable(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		if len(config.Keys(sectionOf(c))) > 0 {
			return true
		}
	}
	return false
}

// apply sets the flags of a command and those it has from the ones above.
func apply(values *config.Values, cmd *cobra.Command) error {
	for c := cmd; c != nil; c = c.Parent() {
		if err := values.Apply(sectionOf(c)); err != nil {
			return err
		}
	}
	return nil
}

// layers reads everything below the command line.
func layers(cmd *cobra.Command, s *config.Schema) (*config.Values, error) {
	environment, err := s.Environment(os.Environ())
	if err != nil {
		return nil, err
	}
	context, err := contextLayer(cmd, s)
	if err != nil {
		return nil, err
	}
	file, err := fileLayer(cmd, s)
	if err != nil {
		return nil, err
	}
	return config.Merge(file, context, environment)
}

// fileLayer reads the file of --config, BECK_CONFIG, or the default one.
func fileLayer(cmd *cobra.Command, s *config.Schema) (config.Layer, error) {
	path, named := chosen(cmd, config.FileFlag)
	if !named {
		path = defaultConfigFile
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if path == "" {
		return nil, nil
	}
	return s.File(path)
}

// contextLayer reads the context of --context, BECK_CONTEXT, or "beck context
// use". Commands about contexts have none: they must work with a broken one.
func contextLayer(cmd *cobra.Command, s *config.Schema) (config.Layer, error) {
	if strings.HasPrefix(sectionName(cmd), contextCommand+".") {
		return nil, nil
	}
	name, named := chosen(cmd, config.ContextFlag)
	if named && name == "" {
		return nil, nil
	}
	contexts, err := config.UserContexts()
	switch {
	case err != nil && !named: // a service without a home has no contexts
		return nil, nil
	case err != nil:
		return nil, err
	case !named:
		if name, err = contexts.Current(); err != nil || name == "" {
			return nil, err
		}
	}
	return s.Context(contexts, name)
}

// chosen returns what a flag that chooses a layer, or its variable, says, and
// whether one of them does.
func chosen(cmd *cobra.Command, flag string) (string, bool) {
	if f := cmd.Flag(flag); f != nil && f.Changed {
		return f.Value.String(), true
	}
	text := os.Getenv(config.Variable(flag))
	return text, text != ""
}

// flagInText finds the flags that an error names.
var flagInText = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)

// origins says of the flags that an error names where their values are from,
// if that is not the command line: what is wrong is there.
func origins(cmd *cobra.Command, line string) (said string) {
	seen := make(map[string]bool)
	for _, m := range flagInText.FindAllStringSubmatch(line, -1) {
		name := m[1]
		f := cmd.Flag(name)
		if f == nil || seen[name] {
			continue
		}
		seen[name] = true
		if layer, place := config.Origin(f); layer != config.FromFlag && layer != config.FromDefault {
			said += "; --" + name + " is from " + place
		}
	}
	return said
}

// settingFlags are the flags of settings that are called otherwise.
var settingFlags = map[string]string{
	"Dir": "data", "SaveAs": "name", "MinStoreAcks": "acks", "SkipMissingAfter": "skip-missing",
}

// byFlag returns the text of an error; a setting that is wrong is called as the flag
// that it was given by.
func byFlag(cmd *cobra.Command, err error) string {
	text, wrong := err.Error(), new(beck.SettingError)
	if !errors.As(err, &wrong) {
		return text
	}
	name := cmp.Or(settingFlags[wrong.Field], strings.ToLower(wrong.Field))
	if cmd.Flag(name) == nil {
		return text
	}
	return strings.Replace(text, wrong.Error(), fmt.Sprintf("--%s: %v", name, wrong.Err), 1)
}
