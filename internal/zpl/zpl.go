// Package zpl reads ZPL, the configuration language of ZeroMQ (RFC 4/ZPL):
//
//	#   a comment, to the end of its line
//	context
//	    iothreads = 1
//	    name = "a value with a # in it"
//	    frontend
//	        bind = 'tcp://*:5555'       # four spaces are a level
//
// A line is a name, with a value or without. Lines indented one level deeper
// belong to it. A value stands in quotes of either kind, without escapes, or goes
// to the end of the line or to a comment. Names are of letters, digits and
// $-_@.&+/ and neither begin nor end with a slash.
package zpl

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ErrSyntax says that a text is no ZPL, or is beyond the limits of this package.
var ErrSyntax = errors.New("invalid ZPL")

// Limits of a text. Configuration files are far from them.
const (
	MaxBytes = 1 << 20 // of the whole text
	MaxLine  = 4 << 10 // of one line, in bytes
	MaxDepth = 16      // levels
)

// indent is what one level is indented by.
const indent = 4

// Item is a line with what belongs to it.
type Item struct {
	Name     string
	Value    string
	HasValue bool // there was an equals sign
	Line     int  // from 1; 0 for the root
	Items    []*Item
}

// Parse reads a text. The root that it returns has no name; its items are those
// of the first level, in their order. An error wraps ErrSyntax and begins with
// file and line: "beck.cfg:3: ...".
func Parse(file string, text []byte) (*Item, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%s: %w: longer than %d bytes", file, ErrSyntax, MaxBytes)
	}
	root := new(Item)
	path := []*Item{root} // the newest item of each level, below the root
	number := 0
	for line := range bytes.Lines(text) {
		number++
		level, item, err := parseLine(string(line))
		if err == nil && item != nil && level >= len(path) {
			err = fmt.Errorf("indented %d spaces, at most %d are possible here", level*indent, (len(path)-1)*indent)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", file, number, ErrSyntax, err)
		}
		if item == nil {
			continue
		}
		item.Line = number
		parent := path[level]
		parent.Items = append(parent.Items, item)
		path = append(path[:level+1], item)
	}
	return root, nil
}

// parseLine returns no item for a line that is empty or a comment.
func parseLine(line string) (level int, item *Item, err error) {
	if len(line) > MaxLine {
		return 0, nil, fmt.Errorf("line is longer than %d bytes", MaxLine)
	}
	if strings.IndexByte(line, 0) >= 0 {
		return 0, nil, errors.New("a byte of the line is 0")
	}
	rest := strings.TrimLeft(line, " ")
	spaces := len(line) - len(rest)
	if rest = strings.TrimSpace(rest); rest == "" || rest[0] == '#' {
		return 0, nil, nil
	}
	switch {
	case line[spaces] == '\t':
		return 0, nil, errors.New("a tab where spaces indent, four for a level")
	case spaces%indent != 0:
		return 0, nil, fmt.Errorf("indented %d spaces, want four for a level", spaces)
	case spaces/indent >= MaxDepth:
		return 0, nil, fmt.Errorf("deeper than %d levels", MaxDepth)
	}
	item, err = parseItem(rest)
	return spaces / indent, item, err
}

// parseItem takes a line without the spaces around it.
func parseItem(line string) (*Item, error) {
	end := strings.IndexFunc(line, func(r rune) bool { return !isNameChar(r) })
	if end < 0 {
		end = len(line)
	}
	name := line[:end]
	switch {
	case name == "":
		return nil, fmt.Errorf("a name cannot begin with %q", []rune(line)[0])
	case name[0] == '/' || name[len(name)-1] == '/':
		return nil, fmt.Errorf("name %q begins or ends with a slash", name)
	}
	rest := strings.TrimSpace(line[end:])
	text, hasValue := strings.CutPrefix(rest, "=")
	if !hasValue {
		return &Item{Name: name}, onlyComment(rest)
	}
	value, err := parseValue(strings.TrimSpace(text))
	return &Item{Name: name, Value: value, HasValue: true}, err
}

func parseValue(text string) (string, error) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		value, _, _ := strings.Cut(text, "#")
		return strings.TrimSpace(value), nil
	}
	value, rest, closed := strings.Cut(text[1:], text[:1])
	if !closed {
		return "", fmt.Errorf("the quote %s is not closed", text[:1])
	}
	return value, onlyComment(strings.TrimSpace(rest))
}

// onlyComment checks what stands behind an item.
func onlyComment(rest string) error {
	if rest != "" && rest[0] != '#' {
		return fmt.Errorf("unexpected %q", rest)
	}
	return nil
}

func isNameChar(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("$-_@.&+/", r)
}
