package testproc

import (
	"bytes"
	"strings"
	"sync"
)

// Transcript is an io.Writer that keeps what is written to it, such as the
// standard error of a process.
type Transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *Transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// String returns everything that was written.
func (s *Transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Tail returns the last n bytes.
func (s *Transcript) Tail(n int) string {
	text := s.String()
	return text[max(0, len(text)-n):]
}

// Line returns the first whole line that has all of the words, "" for none.
func (s *Transcript) Line(words ...string) string {
	for line := range strings.Lines(s.String()) {
		if strings.HasSuffix(line, "\n") && containsAll(line, words) {
			return line
		}
	}
	return ""
}

func containsAll(line string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(line, word) {
			return false
		}
	}
	return true
}
