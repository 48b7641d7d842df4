package jsonl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/beckmesh/beck"
)

// Parse reads one line, with or without its newline; now is the time of a record
// whose line says none. It returns the record, which shares no memory with the
// line, or an error that names the field and what is allowed there.
func Parse(line []byte, now time.Time) (beck.Record, error) {
	if !utf8.Valid(line) {
		return beck.Record{}, errors.New("not valid UTF-8: want binary in the fields key64 and value64")
	}
	r, s := beck.Record{Time: now}, scanner{line: line}
	if s.peek() == 0 && s.at == len(line) {
		return beck.Record{}, errors.New("an empty line: want a JSON object, {…}")
	}
	if err := s.object(recordFields, func(name string) error { return s.recordField(&r, name) }); err != nil {
		return beck.Record{}, err
	}
	if s.peek() != 0 || s.at < len(line) {
		return beck.Record{}, errors.New("more than one object: want one a line")
	}
	return r, nil
}

var (
	recordFields = []string{"topic", "topic64", "partition", "offset", "time", "key", "key64", "headers", "value", "value64"}
	headerFields = []string{"name", "name64", "value", "value64"}
)

func (s *scanner) recordField(r *beck.Record, name string) (err error) {
	switch name {
	case "topic", "topic64":
		r.Topic, err = s.text(name)
	case "partition":
		r.Partition, err = s.text(name)
	case "offset":
		r.Offset, err = s.offset()
	case "time":
		r.Time, err = s.time()
	case "key", "key64":
		r.Key, err = s.bytes(name)
	case "value", "value64":
		r.Value, err = s.bytes(name)
	case "headers":
		r.Headers, err = s.headers()
	}
	return err
}

func (s *scanner) headers() (headers []beck.Header, err error) {
	if s.null() {
		return nil, nil
	}
	if s.peek() != '[' {
		return nil, errors.New(`want an array of {"name":…,"value":…}`)
	}
	err = s.list('[', ']', func() error {
		var h beck.Header
		named := false
		err := s.object(headerFields, func(name string) (err error) {
			if strings.HasPrefix(name, "name") {
				named = true
				h.Name, err = s.text(name)
			} else {
				h.Value, err = s.bytes(name)
			}
			return err
		})
		if err == nil && !named {
			err = errors.New(`want a field "name"; it may be empty`)
		}
		if err != nil {
			return fmt.Errorf("header %d: %w", len(headers)+1, err)
		}
		headers = append(headers, h)
		return nil
	})
	return headers, err
}

// object reads an object with some of the fields, each once: of name and name64
// one. read gets each name, and reads its value.
func (s *scanner) object(fields []string, read func(name string) error) error {
	if s.peek() != '{' {
		return s.want("a JSON object, {…}")
	}
	seen := 0 // a bit for each field
	return s.list('{', '}', func() error {
		b, err := s.string()
		if err != nil {
			return err
		}
		i := find(fields, b)
		if i < 0 {
			return fmt.Errorf("unknown field %.40q: want %s", b, strings.Join(fields, ", "))
		}
		if err := clash(fields, seen, i); err != nil {
			return err
		}
		seen |= 1 << i
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := read(fields[i]); err != nil {
			return fmt.Errorf("field %q: %w", fields[i], err)
		}
		return nil
	})
}

func find(fields []string, name []byte) int {
	for i, f := range fields {
		if f == string(name) {
			return i
		}
	}
	return -1
}

// clash returns what is wrong with field i after those that were seen.
func clash(fields []string, seen, i int) error {
	if seen&(1<<i) != 0 {
		return fmt.Errorf("field %q comes twice", fields[i])
	}
	for j, f := range fields {
		if seen&(1<<j) != 0 && strings.TrimSuffix(f, "64") == strings.TrimSuffix(fields[i], "64") {
			return fmt.Errorf("fields %q and %q: want one of them", f, fields[i])
		}
	}
	return nil
}

// bytes reads a text, or base64 where the field's name says so; null is nil.
func (s *scanner) bytes(name string) ([]byte, error) {
	if s.null() {
		return nil, nil
	}
	if s.peek() != '"' {
		return nil, s.wantValue("a string")
	}
	b, err := s.string()
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "64") {
		return decodeBase64(b)
	}
	return append(make([]byte, 0, len(b)), b...), nil
}

func (s *scanner) text(name string) (string, error) {
	b, err := s.bytes(name)
	return string(b), err
}

func (s *scanner) offset() (uint64, error) {
	if s.null() {
		return 0, nil
	}
	if n, err := strconv.ParseUint(s.number(), 10, 64); err == nil {
		return n, nil
	}
	return 0, s.wantValue("a whole number from 0 to 18446744073709551615")
}

// time reads ms since 1970, or RFC 3339.
func (s *scanner) time() (time.Time, error) {
	if s.null() {
		return time.Time{}, nil
	}
	if s.peek() == '"' {
		b, err := s.string()
		if err != nil {
			return time.Time{}, err
		}
		if at, err := time.Parse(time.RFC3339, string(b)); err == nil {
			return at.UTC(), nil
		}
	} else if ms, err := strconv.ParseInt(s.number(), 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	return time.Time{}, s.wantValue("ms since 1970 as a whole number, or RFC 3339 as a string")
}
