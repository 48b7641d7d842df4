package main

import (
	"fmt"
	"slices"
	"strings"
)

// chooser is a flag's value that is one of several words, which a shell offers.
type chooser interface{ Choices() []string }

// choice is the flag type of one of several words.
type choice struct {
	value   string
	allowed []string
}

// newChoice returns a flag of these words; the first is the default.
func newChoice(words ...string) *choice { return &choice{value: words[0], allowed: words} }

func (c *choice) Type() string   { return "choice" }
func (c *choice) String() string { return c.value }

// Choices implements chooser.
func (c *choice) Choices() []string { return c.allowed }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		last := len(c.allowed) - 1
		return fmt.Errorf("want %s or %s", strings.Join(c.allowed[:last], ", "), c.allowed[last])
	}
	c.value = text
	return nil
}
