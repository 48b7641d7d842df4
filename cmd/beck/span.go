package main

import (
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/span"
)

// spanFlag is the flag type of --offset: where to begin, and by e@TIME where to
// end. It may be given twice, once for each.
type spanFlag struct {
	span.Span
	texts []string
}

func (s *spanFlag) Type() string   { return "offset" }
func (s *spanFlag) String() string { return strings.Join(s.texts, ",") }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (s *spanFlag) Set(text string) error {
	s.texts = append(s.texts, text)
	return s.Span.Set(text, time.Now())
}

// Append, Replace and GetSlice implement pflag.SliceValue.
func (s *spanFlag) Append(text string) error { return s.Set(text) }

func (s *spanFlag) Replace(texts []string) error {
	*s = spanFlag{}
	for _, text := range texts {
		if err := s.Set(text); err != nil {
			return err
		}
	}
	return nil
}

func (s *spanFlag) GetSlice() []string { return s.texts }
