// Package tmpl makes the texts of many records out of one, which is a template of
// text/template. It has what the NATS command line has, under the same names, with
// or without a dot before:
//
//	{{Count}}            number of the record, from 1
//	{{TimeStamp}}        the time, RFC 3339
//	{{Unix}}             the time in s since 1970
//	{{UnixNano}}         the time in ns since 1970
//	{{Time}}             the time of day, such as 3:04PM
//	{{ID}}               a text that does not come again
//	{{Random MIN MAX}}   letters and digits, at least MIN and at most MAX
package tmpl

import (
	"bytes"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"text/template"
	"time"
)

// maxRandom is the longest text of Random.
const maxRandom = 1 << 20

// Template is a text with places to fill in. It is used by one goroutine at a time.
type Template struct {
	plain []byte // the text, if there is nothing to fill in
	parts *template.Template
	out   bytes.Buffer
	limit int
	fill  fill
}

// Parse reads a template whose texts have at most limit bytes. It is filled in once,
// so that an error shows here what would else be one of the first record.
func Parse(text string, limit int) (*Template, error) {
	if !strings.Contains(text, "{{") {
		if len(text) > limit {
			return nil, tooLong(limit)
		}
		return &Template{plain: []byte(text)}, nil
	}
	t := &Template{limit: limit}
	parts, err := template.New("").Funcs(t.fill.functions()).Parse(text)
	if err != nil {
		return nil, clean(err)
	}
	t.parts = parts
	if _, err := t.Append(nil, 1, time.Unix(0, 0)); err != nil {
		return nil, err
	}
	return t, nil
}

// Append appends the text of record n, made at now.
func (t *Template) Append(dst []byte, n uint64, now time.Time) ([]byte, error) {
	if t.parts == nil {
		return append(dst, t.plain...), nil
	}
	t.fill.n, t.fill.now = n, now
	t.out.Reset()
	if err := t.parts.Execute(&bounded{&t.out, t.limit}, &t.fill); err != nil {
		return dst, clean(err)
	}
	return append(dst, t.out.Bytes()...), nil
}

// clean takes away what text/template says of a template without a name.
func clean(err error) error {
	return fmt.Errorf("template: %s", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), ":"))
}

// bounded refuses what is longer than its limit.
type bounded struct {
	out   *bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.out.Len()+len(p) > b.limit {
		return 0, tooLong(b.limit)
	}
	return b.out.Write(p)
}

func tooLong(limit int) error {
	return fmt.Errorf("the text is longer than the %d bytes allowed", limit)
}

// fill is what a template may call: its methods.
type fill struct {
	n   uint64
	now time.Time
}

// functions are the methods, without a dot.
func (f *fill) functions() template.FuncMap {
	return template.FuncMap{
		"Count": f.Count, "TimeStamp": f.TimeStamp, "Unix": f.Unix, "UnixNano": f.UnixNano,
		"Time": f.Time, "ID": f.ID, "Random": f.Random,
	}
}

func (f *fill) Count() uint64     { return f.n }
func (f *fill) TimeStamp() string { return f.now.Format(time.RFC3339) }
func (f *fill) Unix() int64       { return f.now.Unix() }
func (f *fill) UnixNano() int64   { return f.now.UnixNano() }
func (f *fill) Time() string      { return f.now.Format(time.Kitchen) }
func (f *fill) ID() string        { return rand.Text() }

func (f *fill) Random(low, high int) (string, error) {
	if low < 0 || high < low || high > maxRandom {
		return "", fmt.Errorf("Random %d %d: want 0 to %d, the first not above the second", low, high, maxRandom)
	}
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	text := make([]byte, low+mathrand.IntN(high-low+1))
	for i := range text {
		text[i] = letters[mathrand.IntN(len(letters))]
	}
	return string(text), nil
}
