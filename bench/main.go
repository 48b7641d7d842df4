package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	root := &cobra.Command{
		Use: "bench", Short: "Compare beck with its peers",
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(newCompare(), newCost(), newRole())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// roleCommand is the hidden command that a process of a plan runs.
const roleCommand = "role"

func newRole() *cobra.Command {
	return &cobra.Command{
		Use: roleCommand + " ROLE", Hidden: true, Args: cobra.ExactArgs(1),
		Run: func(cmd *cobra.Command, args []string) {
			signal.Ignore(os.Interrupt) // the parent says what was interrupted
			os.Exit(runRole(cmd.Context(), args[0]))
		},
	}
}
