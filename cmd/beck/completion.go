package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/bench"
	"github.com/beckmesh/beck/internal/config"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shells are those that there is a completion for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion of a shell: bash, zsh, fish or powershell",
		Long: `completion prints a script by which a shell completes beck's commands, flags,
and values where they are known: topics, contexts, files, and words of a list.`,
		Example: `  source <(beck completion bash)
  beck completion zsh > "${fpath[1]}/_beck"
  beck completion fish > ~/.config/fish/completions/beck.fish
  beck completion powershell | Out-String | Invoke-Expression`,
		Args:      oneShell,
		ValidArgs: shells,
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(out)
			}
		}),
	}
}

func oneShell(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !slices.Contains(shells, args[0]) {
		return fmt.Errorf("want one shell: %s", strings.Join(shells, ", "))
	}
	return nil
}

// completeAll gives every argument and flag below root its completion, by what
// it is called and by its type, unless it has one of its own.
func completeAll(root *cobra.Command) {
	_ = root.RegisterFlagCompletionFunc(config.ContextFlag, completeContextFlag)
	_ = root.MarkPersistentFlagFilename(config.FileFlag, "yaml", "yml")
	walk(root, func(cmd *cobra.Command) {
		completeArgs(cmd)
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { completeFlag(cmd, f) })
	})
}

// plainUsages takes the marks from the usages of all flags by which the help finds
// the name of a value: a shell shows them as they are.
func plainUsages(root *cobra.Command) {
	walk(root, func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) })
	})
}

// completeArgs looks at the words that the usage names.
func completeArgs(cmd *cobra.Command) {
	if cmd.ValidArgs != nil || cmd.ValidArgsFunction != nil || cmd.HasSubCommands() {
		return
	}
	switch {
	case strings.Contains(cmd.Use, "MODE"):
		cmd.ValidArgs = modes()
	case strings.Contains(cmd.Use, "TOPIC"):
		cmd.ValidArgsFunction = completeTopic
	case strings.Contains(cmd.Use, "FILE"), strings.Contains(cmd.Use, "DIR"): // the shell's own: files
	default:
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
}

func modes() []string {
	var names []string
	for _, mode := range bench.Modes {
		names = append(names, string(mode))
	}
	return names
}

// completeFlag looks at the type, and at the word that the help has for the
// value.
func completeFlag(cmd *cobra.Command, f *pflag.Flag) {
	if _, has := cmd.GetFlagCompletionFunc(f.Name); has {
		return
	}
	complete := cobra.NoFileCompletions
	if c, ok := f.Value.(chooser); ok {
		complete = cobra.FixedCompletions(c.Choices(), cobra.ShellCompDirectiveNoFileComp)
	} else {
		switch word, _ := pflag.UnquoteUsage(f); word {
		case "FILE":
			return
		case "DIR":
			complete = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
		}
	}
	_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails only for one that has one
}

// completeContext offers the names of this user's contexts, for the argument of
// a command.
func completeContext(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeContextFlag(cmd, nil, word)
}

// completeContextFlag offers them for --context.
func completeContextFlag(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	contexts, err := config.UserContexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := contexts.Names() // a directory that cannot be read offers none
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeCommand offers the commands, for "beck config".
func completeCommand(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	above, _, err := cmd.Root().Find(args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, c := range above.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// topicPatience is how long somebody who presses the tab key waits for the
// topics of a mesh.
const topicPatience = 300 * time.Millisecond

// listTopics asks a mesh for its topics until ctx ends, and returns those that it
// has heard of by then. Topics that a shell would have to quote, and beck's own,
// are left out.
func listTopics(ctx context.Context, node beck.NodeConfig) (names []string) {
	node.Logger = slog.New(slog.DiscardHandler)
	s, err := survey.Start(survey.Config{NodeConfig: node, Partitions: true, Patience: topicPatience})
	if err != nil {
		return nil
	}
	defer s.Close()
	_ = s.Wait(ctx) // what is known by then is offered
	for _, t := range s.Snapshot(true).Topics {
		if plainTopic.MatchString(t.Name) && !strings.HasPrefix(t.Name, protocol.ReservedTopics) {
			names = append(names, t.Name)
		}
	}
	return names
}

var plainTopic = regexp.MustCompile(`^[\pL\pN._/=@%+-]+$`)

// completeTopic offers the topics of the mesh that the flags and the
// configuration name, if that answers at once. Behind a topic it leaves files to
// the shell where the command takes them.
func completeTopic(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && strings.Contains(cmd.Use, "FILE") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	if len(args) > 0 && !strings.Contains(cmd.Use, "TOPIC...") || configure(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	node := beck.NodeConfig{Sub: endpointsOf(cmd, "sub"), Pub: endpointsOf(cmd, "pub")}.WithDefaults()
	ctx, cancel := context.WithTimeout(cmd.Context(), topicPatience)
	defer cancel()
	return listTopics(ctx, node), cobra.ShellCompDirectiveNoFileComp
}

func endpointsOf(cmd *cobra.Command, flag string) []string {
	if f := cmd.Flag(flag); f != nil {
		if list, ok := f.Value.(pflag.SliceValue); ok {
			return list.GetSlice()
		}
	}
	return nil
}
