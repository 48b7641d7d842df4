package main

import "github.com/beckmesh/beck/internal/escape"

// delimiter is the flag type of bytes that are given with escapes.
type delimiter struct {
	text  string
	bytes []byte
	set   bool
}

// newDelimiter returns a flag with a default.
func newDelimiter(text string) delimiter {
	var d delimiter
	if err := d.Set(text); err != nil {
		panic("beck: default delimiter: " + err.Error())
	}
	d.set = false
	return d
}

func (d *delimiter) Type() string   { return "delimiter" }
func (d *delimiter) String() string { return d.text }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (d *delimiter) Set(text string) (err error) {
	d.text, d.set = text, true
	d.bytes, err = escape.Bytes(text)
	return err
}
