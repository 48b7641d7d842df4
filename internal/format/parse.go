package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/escape"
)

// parser reads a format string, or the one in a %h{…}.
type parser struct {
	text    string
	at      int
	tokens  map[byte]token
	null    bool
	literal []byte // gathered for the next piece
	pieces  []piece
}

// token makes the piece of a token, with what stood in braces behind it.
type token func(p *parser, mod string, has bool) (piece, error)

func (p *parser) parse() ([]piece, error) {
	for p.at < len(p.text) {
		var err error
		switch p.text[p.at] {
		case '\\':
			err = p.escape()
		case '%':
			err = p.percent()
		default:
			p.literal = append(p.literal, p.text[p.at])
			p.at++
		}
		if err != nil {
			return nil, err
		}
	}
	p.flush()
	return p.pieces, nil
}

func (p *parser) escape() error {
	b, n := escape.Cut(p.text[p.at:])
	if n == 0 {
		return escape.Error(p.text, p.at)
	}
	p.literal = append(p.literal, b)
	p.at += n
	return nil
}

// percent reads a token and its modifier.
func (p *parser) percent() error {
	start := p.at
	if p.at+1 == len(p.text) {
		return fmt.Errorf("%% at position %d ends the format: want one of %s", p.position(start), p.allowed())
	}
	c := p.text[p.at+1]
	p.at += 2
	if c == '%' || c == '{' || c == '}' {
		p.literal = append(p.literal, c)
		return nil
	}
	make, known := p.tokens[c]
	if !known {
		bad := []rune(p.text[start+1:])[:1]
		return fmt.Errorf("%%%s at position %d is no token: want one of %s", string(bad), p.position(start), p.allowed())
	}
	mod, has, err := p.braces()
	if err != nil {
		return fmt.Errorf("%%%c at position %d: %w", c, p.position(start), err)
	}
	piece, err := make(p, mod, has)
	if err != nil {
		return fmt.Errorf("%%%c at position %d: %w", c, p.position(start), err)
	}
	p.flush()
	p.pieces = append(p.pieces, piece)
	return nil
}

// braces reads "{…}", if that comes next. Within it braces come in pairs, those
// behind a percent sign apart.
func (p *parser) braces() (inner string, has bool, err error) {
	if p.at == len(p.text) || p.text[p.at] != '{' {
		return "", false, nil
	}
	depth := 0
	for i := p.at; i < len(p.text); i++ {
		switch p.text[i] {
		case '%', '\\':
			i++ // %{ and %} are characters
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				inner = p.text[p.at+1 : i]
				p.at = i + 1
				return inner, true, nil
			}
		}
	}
	return "", false, errors.New("its { has no }; write a brace behind a token as %{")
}

// flush makes a piece of the text gathered.
func (p *parser) flush() {
	if len(p.literal) == 0 {
		return
	}
	text := p.literal
	p.literal = nil
	p.pieces = append(p.pieces, func(dst []byte, _ *beck.Record) []byte { return append(dst, text...) })
}

func (p *parser) position(at int) int { return escape.Position(p.text, at) }

// allowed lists the tokens.
func (p *parser) allowed() string {
	names := make([]string, 0, len(p.tokens)+3)
	for c := range p.tokens {
		names = append(names, "%"+string(c))
	}
	slices.Sort(names)
	return strings.Join(append(names, "%%", "%{", "%}"), " ")
}
