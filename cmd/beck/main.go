// Command beck runs the nodes of a mesh and pipes records in and out of it.
// `beck help` lists the commands; README.md shows a first session.
//
// Every command exits 0 when it did what it says, 1 with one line on standard
// error when it could not, and 2 with one line when it was called wrongly; but for
// beck check, whose statuses are those of monitoring systems.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
)

func main() {
	// A reader that goes away is seen as a write error, not as a signal, so
	// that a consumer leaves the mesh properly.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(runAs(os.Args[0], os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// usageError is a call that cannot be meant: its line ends with where to look.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// verdictError ends a command that has said everything with a status of its own.
type verdictError struct{ status int }

func (e verdictError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// run executes one command line and returns its exit status.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	configureAll(root)
	completeAll(root)
	checkHelp(root)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		plainUsages(root)
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return config.ExplainFlag(err) })
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(context.Background())
	if err == nil || outputClosed(err) {
		return 0
	}
	var verdict verdictError
	if errors.As(err, &verdict) {
		return verdict.status
	}
	line := strings.Join(strings.Fields(byFlag(cmd, err)), " ")
	line += origins(cmd, line)
	if !hasRun(cmd) || errors.As(err, new(usageError)) {
		fmt.Fprintf(errOut, "beck: %s (see %q)\n", line, cmd.CommandPath()+" --help")
		return 2
	}
	fmt.Fprintf(errOut, "beck: %s\n", line)
	return 1
}

// outputClosed reports whether whoever read our output went away. That ends a
// command early, but is nothing to complain about.
func outputClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed)
}

// ranKey marks a command whose own code was reached: what went wrong before
// that is wrong use.
const ranKey = "ran"

func hasRun(cmd *cobra.Command) bool { return cmd.Annotations[ranKey] != "" }

// runs wraps the code of a command for cobra.
func runs(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.Annotations = map[string]string{ranKey: "yes"}
		return f(cmd, args)
	}
}
