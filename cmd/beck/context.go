package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
)

// contextCommand is the name of the command about contexts.
const contextCommand = "context"

func newContext() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   contextCommand,
		Short: "Keep the towers of several meshes by name",
		Long: `A context is a mesh by name: its towers, and what else the commands of a mesh
share. The one in use, by "beck context use" or for one command by --context or
BECK_CONTEXT, counts before the configuration file and after the environment and
the command line.

Contexts are files of this user, readable by nobody else, in the directory beck
of the user's configuration (on Linux $XDG_CONFIG_HOME or ~/.config).`,
		Example: `  beck context add prod --sub tcp://10.0.0.5:5556 --pub tcp://10.0.0.5:5557
  beck context use prod
  beck --context test consume hello
  beck context use --none`,
	})
	cmd.AddCommand(newContextAdd(), newContextUse(), newContextLs(), newContextRm(), newContextShow())
	return cmd
}

// group makes a command that only has others: called alone it prints them,
// called with a wrong word it says so.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		return fmt.Errorf("unknown command %q for %q: want %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
	}
	cmd.RunE = runs(func(cmd *cobra.Command, _ []string) error { return cmd.Help() })
	return cmd
}

// oneName is the argument check of the commands on a context.
func oneName(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one NAME, not %d", len(args))
	}
	return config.CheckName(args[0])
}

func newContextAdd() *cobra.Command {
	var mesh meshFlags
	var replace bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Keep the flags that are given as a context",
		Long: `add keeps those of the flags that are given under NAME. It does not use the new
context: that is "beck context use NAME".`,
		Example: `  beck context add prod --sub tcp://10.0.0.5:5556 --pub tcp://10.0.0.5:5557
  beck context add pair --sub tcp://a:5556,tcp://b:5556 --pub tcp://a:5557,tcp://b:5557`,
		Args: oneName,
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			return addContext(cmd, &mesh, args[0], replace)
		}),
	}
	mesh.addNode(cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a context of that name")
	return cmd
}

func addContext(cmd *cobra.Command, mesh *meshFlags, name string, replace bool) error {
	if mesh.sub.set != mesh.pub.set {
		return usagef("--sub and --pub: a mesh is named by both")
	}
	if _, err := mesh.node(cmd.ErrOrStderr()); err != nil {
		return err
	}
	var given []config.Entry
	for _, key := range config.Keys(sectionOf(cmd)) {
		if f := key.Flag; f.Changed && f.Name != "replace" {
			given = append(given, config.Entry{Name: f.Name, Text: key.Current(), Set: true})
		}
	}
	if len(given) == 0 {
		return usagef("a context without any flag: give at least --sub and --pub")
	}
	var file strings.Builder
	if err := config.Write(&file, given); err != nil {
		return err
	}
	contexts, err := config.UserContexts()
	if err != nil {
		return err
	}
	err = contexts.Add(name, []byte(file.String()), replace)
	if errors.Is(err, config.ErrContextExists) {
		return fmt.Errorf("%w: give --replace to replace it", err)
	}
	return err
}

func newContextUse() *cobra.Command {
	var none bool
	cmd := &cobra.Command{
		Use:     "use NAME",
		Short:   "Use a context from now on",
		Long:    "use makes the context NAME that of every command of this user, or with --none no\ncontext.",
		Example: "  beck context use prod\n  beck context use --none",
		Args: func(cmd *cobra.Command, args []string) error {
			if none && len(args) > 0 {
				return errors.New("give a NAME or --none")
			} else if none {
				return nil
			}
			return oneName(cmd, args)
		},
		RunE: runs(func(_ *cobra.Command, args []string) error {
			contexts, err := config.UserContexts()
			if err != nil {
				return err
			}
			return contexts.Use(strings.Join(args, ""))
		}),
		ValidArgsFunction: completeContext,
	}
	cmd.Flags().BoolVar(&none, "none", false, "use no context")
	return cmd
}

func newContextRm() *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME",
		Short:   "Remove a context",
		Long:    "rm removes the context NAME. If it was the one in use, none is.",
		Example: "  beck context rm test",
		Args:    oneName,
		RunE: runs(func(_ *cobra.Command, args []string) error {
			contexts, err := config.UserContexts()
			if err != nil {
				return err
			}
			return contexts.Remove(args[0])
		}),
		ValidArgsFunction: completeContext,
	}
}

func newContextLs() *cobra.Command {
	output := newChoice("table", "json")
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List the contexts",
		Long:    "ls lists the contexts of this user, the one in use with a *.",
		Example: "  beck context ls\n  beck context ls -o json",
		Args:    cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error {
			list, err := readContexts()
			if err != nil {
				return err
			}
			return list.print(cmd, output.value)
		}),
	}
	cmd.Flags().VarP(output, "output", "o", "`FORMAT`: table or json")
	return cmd
}

// contextInfo is a context in a list.
type contextInfo struct {
	Name  string              `json:"name"`
	InUse bool                `json:"in_use"`
	Flags map[string][]string `json:"flags,omitempty"`
	Error string              `json:"error,omitempty"` // its file cannot be used
}

type contextList []contextInfo

// readContexts reads all, also those that are broken: they say so.
func readContexts() (contextList, error) {
	contexts, err := config.UserContexts()
	if err != nil {
		return nil, err
	}
	names, err := contexts.Names()
	if err != nil {
		return nil, err
	}
	current, err := contexts.Current()
	if err != nil {
		return nil, err
	}
	s, err := schema()
	if err != nil {
		return nil, err
	}
	list := contextList{}
	for _, name := range names {
		list = append(list, readContext(s, contexts, name, name == current))
	}
	return list, nil
}

func readContext(s *config.Schema, contexts config.Contexts, name string, inUse bool) contextInfo {
	info := contextInfo{Name: name, InUse: inUse, Flags: make(map[string][]string)}
	layer, err := s.Context(contexts, name)
	if err != nil {
		info.Error = err.Error()
	}
	for _, key := range s.Keys() {
		if value, ok := layer[key.Name]; ok {
			info.Flags[key.Flag.Name] = value.Text
		}
	}
	return info
}

func (l contextList) print(cmd *cobra.Command, format string) error {
	if format == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(l)
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "\tNAME\tSUB\tPUB")
	for _, c := range l {
		mark := ""
		if c.InUse {
			mark = "*"
		}
		if c.Error != "" {
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", mark, c.Name, c.Error)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", mark, c.Name, strings.Join(c.Flags["sub"], ","), strings.Join(c.Flags["pub"], ","))
	}
	return t.Flush()
}

func newContextShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Print a context",
		Long:  "show prints the file of the context NAME, or of the one in use, as YAML.",
		Example: `  beck context show
  beck context show prod`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneName(cmd, args)
		},
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			return showContext(cmd, args)
		}),
		ValidArgsFunction: completeContext,
	}
}

func showContext(cmd *cobra.Command, args []string) error {
	contexts, err := config.UserContexts()
	if err != nil {
		return err
	}
	name := strings.Join(args, "")
	if name == "" {
		if name, _ = chosen(cmd, config.ContextFlag); name == "" {
			if name, err = contexts.Current(); err != nil {
				return err
			}
		}
	}
	if name == "" {
		return errors.New("no context is in use: give a NAME")
	}
	data, err := contexts.Read(name)
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(data)
	return err
}
