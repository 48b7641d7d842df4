package main

import (
	"time"

	"github.com/beckmesh/beck/internal/span"
)

// spanFlag is the flag type of --offset: where to begin, and by e@TIME where to
// end. It may be given twice, once for each.
type spanFlag struct {
	span.Span
	text string
}

func (s *spanFlag) Type() string   { return "offset" }
func (s *spanFlag) String() string { return s.text }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (s *spanFlag) Set(text string) error {
	s.text = text
	return s.Span.Set(text, time.Now())
}
