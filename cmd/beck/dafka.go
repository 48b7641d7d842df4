package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/dafka"
)

// runAs executes what a program file of some name is called for: one of Dafka's
// programs if it is called as such, or as `beck dafka PROGRAM`, else beck.
func runAs(file string, args []string, in io.Reader, out, errOut io.Writer) int {
	p, called := dafka.Called(file)
	name := file
	if !called && len(args) > 0 && args[0] == "dafka" {
		name, args = strings.Join(args[:min(2, len(args))], " "), args[min(2, len(args)):]
		p, called = dafka.Called("dafka_" + strings.TrimPrefix(name, "dafka "))
	}
	switch {
	case !called:
		return run(args, in, out, errOut)
	case p == "":
		fmt.Fprintf(errOut, "beck: %s: no program of Dafka: they are %s\n", name, joinPrograms())
		return 2
	}
	cmd := &cobra.Command{}
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	return dafkaStatus(p, errOut, runDafka(cmd, p, args))
}

func joinPrograms() string {
	var names []string
	for _, p := range dafka.Programs {
		names = append(names, p.Name())
	}
	return strings.Join(names, ", ")
}

// dafkaStatus says what was wrong, and returns the exit status.
func dafkaStatus(p dafka.Program, errOut io.Writer, err error) int {
	if err == nil || outputClosed(err) {
		return 0
	}
	line := strings.Join(strings.Fields(err.Error()), " ")
	if errors.As(err, new(usageError)) {
		fmt.Fprintf(errOut, "beck: %s (see %q)\n", line, p.Name()+" --help")
		return 2
	}
	fmt.Fprintf(errOut, "beck: %s\n", line)
	return 1
}

// dafkaRun is one run of a program of Dafka.
type dafkaRun struct {
	cmd      *cobra.Command // for its input and outputs
	settings dafka.Settings
	mesh     meshFlags
}

func runDafka(cmd *cobra.Command, p dafka.Program, args []string) error {
	s, err := dafka.Parse(p, args, os.ReadFile)
	if err != nil {
		return usageError{err}
	}
	if s.Help {
		_, err := io.WriteString(cmd.OutOrStdout(), p.Usage())
		return err
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "beck: warning: %s\n", w)
	}
	r := &dafkaRun{cmd: cmd, settings: s, mesh: meshFlags{
		sub: endpoints{list: strings.Split(s.Sub, ",")}, pub: endpoints{list: strings.Split(s.Pub, ",")},
		listen: beck.DefaultListen, host: s.Host, logFlags: logFlags{verbose: s.Verbose},
	}}
	return map[dafka.Program]func() error{
		dafka.Towerd: r.tower, dafka.Stored: r.store,
		dafka.ConsoleProducer: r.produce, dafka.ConsoleConsumer: r.consume,
	}[p]()
}

// tower is dafka_towerd. It prints nothing.
func (r *dafkaRun) tower() error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	t, err := startTower(&r.mesh, r.mesh.logger(r.cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	<-ctx.Done()
	return t.Close()
}

// store is dafka_stored. It prints nothing.
func (r *dafkaRun) store() error {
	node, err := r.mesh.node(r.cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	s, err := startStore(r.cmd.ErrOrStderr(), node, &storeFlags{dir: r.settings.DB})
	if errors.Is(err, beck.ErrNotStore) {
		return fmt.Errorf("%w: what Dafka's own store wrote cannot be read; give store/db another directory, and this store fetches from that one what it has", err)
	}
	if err != nil {
		return err
	}
	return serve(ctx, r.cmd, s, node)
}
