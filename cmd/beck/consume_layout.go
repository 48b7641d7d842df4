package main

import (
	"github.com/beckmesh/beck/internal/format"
	"github.com/spf13/cobra"
)

// layout is how records are printed.
type layout struct {
	format     string
	json       bool
	delimiter  delimiter
	key        delimiter
	null       bool
	unbuffered bool
}

// addOutput adds the flags that say how records are printed.
func (f *consumeFlags) addOutput(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.format, "format", "f", "", "print each record as `FORMAT` says, with nothing behind it")
	fl.BoolVarP(&f.json, "json", "J", false, "print each record as a line of JSON")
	fl.VarP(&f.delimiter, "delimiter", "D", "what `BYTES` are behind each record; with escapes")
	fl.VarP(&f.key, "key-delimiter", "K", "print the key and these `BYTES` before each value; with escapes")
	fl.BoolVarP(&f.null, "null", "Z", false, "print NULL for a key or value that is empty or missing")
	fl.StringVar(&f.translate, "translate", "", "print what `COMMAND` makes of the value; the shell runs it for each record, about 1000 a second")
	fl.BoolVarP(&f.unbuffered, "unbuffered", "u", false, "write each record by itself")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing on standard error but what ends the command")
}

// compile returns how records are printed, nil for the value and the delimiter.
func (l *layout) compile(cmd *cobra.Command) (*format.Format, error) {
	switch {
	case cmd.Flags().Changed("format"):
		f, err := format.Parse(l.format, l.null)
		if err != nil {
			return nil, usagef("--format: %w", err)
		}
		return f, nil
	case l.key.set || l.null:
		return format.Line(l.key.bytes, l.key.set, l.delimiter.bytes, l.null), nil
	}
	return nil, nil
}
