package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/beckmesh/beck/internal/config"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// logFlags say what is logged on standard error, and how.
type logFlags struct {
	verbose bool
	words   *choice // of --log-level; nil in a program without the flags
	form    *choice
	flags   *pflag.FlagSet
	now     slog.LevelVar // what is logged, which may change
}

// The names of the flags.
const (
	verboseFlag = "verbose"
	levelFlag   = "log-level"
	formatFlag  = "log-format"
)

// addTo adds the flags, which are shared by all commands that have them.
func (l *logFlags) addTo(cmd *cobra.Command) {
	l.add(cmd)
	config.Share(l.flags, verboseFlag, levelFlag, formatFlag)
}

// add adds the flags for a command alone.
func (l *logFlags) add(cmd *cobra.Command) {
	l.words, l.form, l.flags = newChoice(httpd.LogLevels...), newChoice("text", "json"), cmd.Flags()
	l.words.value = "warn"
	l.flags.BoolVarP(&l.verbose, verboseFlag, "v", false, "log on standard error what happens, as --log-level debug")
	l.flags.Var(l.words, levelFlag, "log on standard error what is of this `LEVEL` or worse: debug, info, warn or error")
	l.flags.Var(l.form, formatFlag, "log in this `FORMAT`: text or json, a line each")
}

// check returns what is wrong with the flags together.
func (l *logFlags) check() error {
	if l.verbose && l.flags != nil && given(l.flags, verboseFlag) && given(l.flags, levelFlag) {
		return usagef("--%s and --%s %s: want one of them", verboseFlag, levelFlag, l.words)
	}
	return nil
}

// given reports whether a flag is on the command line.
func given(flags *pflag.FlagSet, name string) bool {
	layer, _ := config.Origin(flags.Lookup(name))
	return layer == config.FromFlag
}

// level returns what the flags say is to be logged. --verbose of a file yields to
// --log-level of the command line.
func (l *logFlags) level() slog.Level {
	if l.verbose && (l.flags == nil || !given(l.flags, levelFlag)) {
		return slog.LevelDebug
	}
	if l.words == nil {
		return slog.LevelWarn
	}
	level, _ := httpd.ParseLogLevel(l.words.value) // it is one of them
	return level
}

// logger logs on w what the flags say, until change says otherwise.
func (l *logFlags) logger(w io.Writer) *slog.Logger {
	l.now.Set(l.level())
	options := &slog.HandlerOptions{Level: &l.now}
	if l.form != nil && l.form.value == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// change has another level logged from now on, and says so at level info.
func (l *logFlags) change(log *slog.Logger, to slog.Level) {
	from := l.now.Level()
	if to == from {
		log.Info("log level stays", "level", to.String())
		return
	}
	l.now.Set(min(from, to)) // so that one of both shows it
	log.Info("log level changed", "from", from.String(), "to", to.String())
	l.now.Set(to)
}

// overHTTP lets the level be told and changed over HTTP.
func (l *logFlags) overHTTP(log *slog.Logger) *httpd.LogLevel {
	return &httpd.LogLevel{Get: l.now.Level, Set: func(to slog.Level) { l.change(log, to) }}
}

// followHangups reads the level again from the files of the configuration with each
// SIGHUP, until stop is called. What the command line says stays. In a terminal
// SIGHUP says that it was closed, and ends the program as ever.
func (l *logFlags) followHangups(cmd *cobra.Command, log *slog.Logger) (stop func()) {
	if isTerminal(cmd.InOrStdin()) {
		return func() {}
	}
	signals, quit := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-signals:
			case <-quit:
				return
			}
			if to, err := readLevel(cmd); err != nil {
				log.Warn("the log level stays: the configuration cannot be read", "err", err)
			} else {
				l.change(log, to)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(quit)
		<-done
	}
}

// readLevel returns the level that a command would begin with now.
func readLevel(cmd *cobra.Command) (slog.Level, error) {
	again, _, err := newRoot().Find(strings.Fields(cmd.CommandPath())[1:])
	if err != nil {
		return 0, err
	}
	if err := again.ParseFlags(nil); err != nil { // it has the flags of those above now
		return 0, err
	}
	for _, name := range []string{config.FileFlag, config.ContextFlag, verboseFlag, levelFlag} {
		if f := cmd.Flag(name); f != nil && f.Changed && given(cmd.Flags(), name) {
			if err := again.Flags().Set(name, f.Value.String()); err != nil {
				return 0, err
			}
		}
	}
	if err := configure(again); err != nil {
		return 0, err
	}
	l := logFlags{flags: again.Flags(), words: again.Flag(levelFlag).Value.(*choice)}
	if l.verbose, err = again.Flags().GetBool(verboseFlag); err != nil {
		return 0, fmt.Errorf("--%s: %w", verboseFlag, err)
	}
	return l.level(), nil
}
