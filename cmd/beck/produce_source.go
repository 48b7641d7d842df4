package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/jsonl"
	"github.com/beckmesh/beck/internal/split"
	"github.com/beckmesh/beck/internal/tmpl"
)

// lineSource yields the records of an input with delimiters.
type lineSource struct {
	in    *split.Reader
	topic string
	key   []byte // what is between key and value; none: there are no keys
	null  bool   // an empty key is none
	count int
}

func (s *lineSource) next(_ context.Context, b *batch) error {
	err := s.in.Next(&b.block)
	b.records, b.names = b.records[:0], numbered(s.in.Unit(), s.count)
	for _, text := range b.block.Records {
		b.records = append(b.records, beck.Record{Topic: s.topic, Value: text})
	}
	if len(s.key) > 0 {
		s.cutKeys(b.records)
	}
	s.count += len(b.records)
	return err
}

// cutKeys moves what is before the delimiter to the key. A record without one has
// no key.
func (s *lineSource) cutKeys(records []beck.Record) {
	for i := range records {
		r := &records[i]
		key, value, found := bytes.Cut(r.Value, s.key)
		if !found {
			continue
		}
		r.Value = value
		if len(key) > 0 || !s.null {
			r.Key = key[:len(key):len(key)]
		}
	}
}

// numbered names things by their place: "line 7".
func numbered(unit string, before int) func(i int) string {
	return func(i int) string { return unit + " " + strconv.Itoa(before+i+1) }
}

// jsonLine returns how long a line of JSON may be whose record has at most most
// bytes: each of them may take six.
func jsonLine(most int) int { return 6*most + 64<<10 }

// jsonSource yields the records of lines of JSON.
type jsonSource struct {
	in    *split.Reader
	topic string // "": that which the line names
	count int
}

func (s *jsonSource) next(_ context.Context, b *batch) error {
	err := s.in.Next(&b.block)
	b.records, b.names = b.records[:0], numbered("line", s.count)
	now := time.Now()
	for _, line := range b.block.Records {
		r, bad := s.parse(line, now)
		if bad != nil {
			return fmt.Errorf("line %d: %w", s.count+1, bad)
		}
		b.records = append(b.records, r)
		s.count++
	}
	return err
}

func (s *jsonSource) parse(line []byte, now time.Time) (beck.Record, error) {
	r, err := jsonl.Parse(line, now)
	if err == nil && s.topic != "" {
		r.Topic = s.topic
	}
	if err == nil && r.Topic == "" {
		err = errors.New(`field "topic": want a topic, here or as TOPIC for all records`)
	}
	return r, err
}

// fileSource yields files, each as a record.
type fileSource struct {
	files []string // that are left
	topic string
	limit int
}

func (s *fileSource) next(_ context.Context, b *batch) error {
	b.records = b.records[:0]
	if len(s.files) == 0 {
		return io.EOF
	}
	name := s.files[0]
	s.files = s.files[1:]
	content, err := readFile(name, s.limit)
	if err != nil {
		return err
	}
	b.records = append(b.records, beck.Record{Topic: s.topic, Value: content})
	b.names = func(int) string { return name }
	return nil
}

// readFile reads a file of at most limit bytes, which may be one without an end.
func readFile(name string, limit int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(content) > limit:
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, beck.ErrTooLarge, limit)
	}
	return content, nil
}

// textBatch is how many records a textSource makes at once.
const textBatch = 1024

// textSource yields records made of a template. It keeps to the rate by itself, so
// that a time in a text is that at which it goes out.
type textSource struct {
	text  *tmpl.Template
	topic string
	count uint64 // records to make
	made  uint64
	pace  pacer
}

func (f *produceFlags) openText(most int) (*reading, error) {
	text, err := tmpl.Parse(f.text, most)
	if err != nil {
		return nil, usagef("TEXT: %w", err)
	}
	s := &textSource{text: text, topic: f.topic, count: uint64(f.count), pace: pacer{perSecond: f.rate.perSecond}}
	return &reading{source: s, total: f.count, close: func() {}}, nil
}

func (s *textSource) next(ctx context.Context, b *batch) error {
	b.records, b.space, b.ends = b.records[:0], b.space[:0], b.ends[:0]
	b.names = numbered("record", int(s.made))
	if s.made == s.count {
		return io.EOF
	}
	n := s.pace.await(ctx, int(min(textBatch, s.count-s.made)))
	if n == 0 {
		return ctx.Err()
	}
	var err error
	for now := time.Now(); len(b.ends) < n && err == nil && len(b.space) < outputBytes; {
		s.made++
		if b.space, err = s.text.Append(b.space, s.made, now); err == nil {
			b.ends = append(b.ends, len(b.space))
		}
	}
	start := 0
	for _, end := range b.ends {
		b.records = append(b.records, beck.Record{Topic: s.topic, Value: b.space[start:end]})
		start = end
	}
	if err != nil {
		return fmt.Errorf("record %d: %w", s.made, err)
	}
	return nil
}
