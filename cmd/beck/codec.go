package main

import (
	"errors"

	"github.com/beckmesh/beck/producer"
)

// codec is the flag type of --compress.
type codec struct{ producer.Compression }

func (c *codec) Type() string { return "codec" }

// Choices implements chooser.
func (c *codec) Choices() []string {
	return []string{producer.None.String(), producer.Zstd.String(), producer.S2.String()}
}

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (c *codec) Set(text string) (err error) {
	if c.Compression, err = producer.ParseCompression(text); err != nil {
		return errors.New("want none, zstd or s2")
	}
	return nil
}
