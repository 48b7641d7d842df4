package main

import (
	"errors"
	"fmt"
	"strings"

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
	mesh.logFlags.add(cmd)
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
