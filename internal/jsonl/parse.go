package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	r := beck.Record{Time: now}
	if err := checkText(line); err != nil {
		return beck.Record{}, err
	}
	d := decoder{json.NewDecoder(bytes.NewReader(line))}
	d.UseNumber()
	if err := d.object(recordFields, func(name string) error { return d.recordField(&r, name) }); err != nil {
		return beck.Record{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return beck.Record{}, errors.New("more than one object: want one a line")
	}
	return r, nil
}

var (
	recordFields = []string{"topic", "topic64", "partition", "offset", "time", "key", "key64", "headers", "value", "value64"}
	headerFields = []string{"name", "name64", "value", "value64"}
)

func (d decoder) recordField(r *beck.Record, name string) (err error) {
	switch name {
	case "topic", "topic64":
		r.Topic, err = d.text(name)
	case "partition":
		r.Partition, err = d.text(name)
	case "offset":
		r.Offset, err = d.offset()
	case "time":
		r.Time, err = d.time()
	case "key", "key64":
		r.Key, err = d.bytes(name)
	case "value", "value64":
		r.Value, err = d.bytes(name)
	case "headers":
		r.Headers, err = d.headers()
	}
	return err
}

func (d decoder) headers() (headers []beck.Header, err error) {
	t, err := d.token()
	if err != nil || t == nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, errors.New(`want an array of {"name":…,"value":…}`)
	}
	for d.More() {
		var h beck.Header
		err := d.object(headerFields, func(name string) (err error) {
			if strings.HasPrefix(name, "name") {
				h.Name, err = d.text(name)
			} else {
				h.Value, err = d.bytes(name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("header %d: %w", len(headers)+1, err)
		}
		headers = append(headers, h)
	}
	_, err = d.token()
	return headers, err
}

// decoder reads the values of a line.
type decoder struct{ *json.Decoder }

// object reads an object with some of the fields, each once: of name and name64
// one. read gets each name, and reads its value.
func (d decoder) object(fields []string, read func(name string) error) error {
	t, err := d.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return errors.New("no JSON object: want {…}")
	}
	var seen [16]bool
	for d.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder lets nothing else stand there
		if err := mark(fields, &seen, name); err != nil {
			return err
		}
		if err := read(name); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	_, err = d.token()
	return err
}

// mark notes that a field was there.
func mark(fields []string, seen *[16]bool, name string) error {
	for i, f := range fields {
		same := f == name
		if same && seen[i] {
			return fmt.Errorf("field %q comes twice", name)
		}
		if same {
			seen[i] = true
		}
		twin := strings.TrimSuffix(f, "64") == strings.TrimSuffix(name, "64")
		if !same && twin && seen[i] {
			return fmt.Errorf("fields %q and %q: want one of them", f, name)
		}
	}
	for _, f := range fields {
		if f == name {
			return nil
		}
	}
	return fmt.Errorf("unknown field %.40q: want %s", name, strings.Join(fields, ", "))
}

// token is the decoder's, with an error that says where.
func (d decoder) token() (json.Token, error) {
	t, err := d.Token()
	var bad *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("JSON ends early")
	case errors.As(err, &bad):
		return nil, fmt.Errorf("near byte %d: %w", bad.Offset, err)
	}
	return nil, fmt.Errorf("near byte %d: %w", d.InputOffset()+1, err)
}

// bytes reads a text, or base64 where the field's name says so; null is nil.
func (d decoder) bytes(name string) ([]byte, error) {
	t, err := d.token()
	if err != nil || t == nil {
		return nil, err
	}
	s, ok := t.(string)
	if !ok {
		return nil, errors.New("want a string")
	}
	if !strings.HasSuffix(name, "64") {
		return []byte(s), nil
	}
	return decodeBase64(s)
}

func (d decoder) text(name string) (string, error) {
	b, err := d.bytes(name)
	return string(b), err
}

func (d decoder) offset() (uint64, error) {
	t, err := d.token()
	if err != nil || t == nil {
		return 0, err
	}
	if n, ok := t.(json.Number); ok {
		if v, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
			return v, nil
		}
	}
	return 0, errors.New("want a whole number from 0 to 18446744073709551615")
}

// checkText refuses what the JSON decoder would replace without a word.
func checkText(line []byte) error {
	if !utf8.Valid(line) {
		return errors.New("not valid UTF-8: want binary in the fields key64 and value64")
	}
	return checkSurrogates(line)
}

// time reads ms since 1970, or RFC 3339.
func (d decoder) time() (time.Time, error) {
	t, err := d.token()
	if err != nil || t == nil {
		return time.Time{}, err
	}
	switch v := t.(type) {
	case json.Number:
		if ms, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return time.UnixMilli(ms).UTC(), nil
		}
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("want ms since 1970 as a whole number, or RFC 3339 as a string")
}
