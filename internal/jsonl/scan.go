package jsonl

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON from a line of valid UTF-8. It knows the few shapes that a
// record has: the decoder of encoding/json takes ten times as long, and puts
// another character in the place of half a surrogate pair without a word.
type scanner struct {
	line  []byte
	at    int
	space []byte // for strings with escapes
}

// peek skips white space and returns what comes next, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.line) {
		switch c := s.line[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// want says what should come next.
func (s *scanner) want(what string) error {
	if s.at >= len(s.line) {
		return fmt.Errorf("JSON ends early: want %s", what)
	}
	return fmt.Errorf("byte %d: want %s", s.at+1, what)
}

// wantValue is want for the value of a field, which says where it is.
func (s *scanner) wantValue(what string) error {
	if s.at >= len(s.line) {
		return s.want(what)
	}
	return fmt.Errorf("want %s", what)
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.want(string(c))
	}
	s.at++
	return nil
}

// null reads null, if that comes next.
func (s *scanner) null() bool {
	if s.peek() != 'n' || len(s.line)-s.at < 4 || string(s.line[s.at:s.at+4]) != "null" {
		return false
	}
	s.at += 4
	return true
}

// list reads what is between open and end, with commas between: each by item.
func (s *scanner) list(open, end byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.peek() == end {
		s.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
		case end:
			s.at++
			return nil
		default:
			return s.want(", or " + string(end))
		}
	}
}

// number reads a whole number; "" if none comes next.
func (s *scanner) number() string {
	s.peek()
	start, end := s.at, s.at
	if end < len(s.line) && s.line[end] == '-' {
		end++
	}
	digits := end
	for end < len(s.line) && '0' <= s.line[end] && s.line[end] <= '9' {
		end++
	}
	if end == digits || (s.line[digits] == '0' && end > digits+1) {
		return ""
	}
	if end < len(s.line) && (s.line[end] == '.' || s.line[end]|0x20 == 'e') {
		return ""
	}
	s.at = end
	return string(s.line[start:end])
}

// string reads a string. What it returns is valid until the next one.
func (s *scanner) string() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	for i := s.at; i < len(s.line); i++ {
		switch c := s.line[i]; {
		case c == '"':
			text := s.line[s.at:i]
			s.at = i + 1
			return text, nil
		case c == '\\':
			return s.unescape(i)
		case c < ' ':
			s.at = i
			return nil, s.want(`control characters as \u00HH`)
		}
	}
	s.at = len(s.line)
	return nil, s.want(`"`)
}

// unescape reads the rest of a string, whose first backslash is at i.
func (s *scanner) unescape(i int) ([]byte, error) {
	out := append(s.space[:0], s.line[s.at:i]...)
	for s.at = i; s.at < len(s.line); {
		switch c := s.line[s.at]; {
		case c == '"':
			s.at++
			s.space = out
			return out, nil
		case c == '\\':
			var ok bool
			if out, ok = s.escape(out); !ok {
				return nil, s.want(`\" \\ \/ \b \f \n \r \t, or \uHHHH, for a character beyond U+FFFF a pair of them`)
			}
		case c < ' ':
			return nil, s.want(`control characters as \u00HH`)
		default:
			out = append(out, c)
			s.at++
		}
	}
	return nil, s.want(`"`)
}

// simple are the escapes of one character.
var simple = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads an escape and appends what it stands for.
func (s *scanner) escape(out []byte) ([]byte, bool) {
	if s.at+1 < len(s.line) && simple[s.line[s.at+1]] != 0 {
		s.at += 2
		return append(out, simple[s.line[s.at-1]]), true
	}
	r, ok := unit(s.line[s.at:])
	n := 6
	if ok && utf16.IsSurrogate(r) {
		low, _ := unit(s.line[s.at+6:])
		r, n = utf16.DecodeRune(r, low), 12
		ok = r != utf8.RuneError
	}
	if !ok {
		return out, false
	}
	s.at += n
	return utf8.AppendRune(out, r), true
}

// unit returns the number of the \uHHHH that b begins with.
func unit(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
