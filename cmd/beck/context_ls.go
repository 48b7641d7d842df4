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
