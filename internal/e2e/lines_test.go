//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// numbered makes the lines "TAG 0000000000 xxx...", each size bytes with its
// newline, numbered from first.
type numbered struct {
	tag         string
	first, n    int
	size        int
	done        int
	rest        []byte
	beforeEvery int            // calls before each so many lines, 0 for never
	before      func(line int) // may be nil
}

func lines(tag string, n, size int) *numbered { return &numbered{tag: tag, n: n, size: size} }

// from numbers the lines from first.
func (l *numbered) from(first int) *numbered {
	l.first = first
	return l
}

// every makes the source call f before each step lines, on the reader's
// goroutine: what f waits for, the reader waits for.
func (l *numbered) every(step int, f func(line int)) *numbered {
	l.beforeEvery, l.before = step, f
	return l
}

// Read implements io.Reader.
func (l *numbered) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if len(l.rest) == 0 {
			if l.done == l.n {
				break
			}
			if l.before != nil && l.done%l.beforeEvery == 0 {
				if n > 0 {
					break // what was made before goes first
				}
				l.before(l.done)
			}
			l.rest = appendLine(l.rest[:0], l.tag, l.first+l.done, l.size)
			l.done++
		}
		c := copy(b[n:], l.rest)
		l.rest = l.rest[c:]
		n += c
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// appendLine appends one line of exactly size bytes, or as many as the number
// needs.
func appendLine(dst []byte, tag string, i, size int) []byte {
	begin := len(dst)
	dst = append(dst, tag...)
	dst = fmt.Appendf(dst, " %010d ", i)
	for need := begin + size - 1 - len(dst); need > 0; need = begin + size - 1 - len(dst) {
		fill := filling[i%26:]
		dst = append(dst, fill[:min(need, len(fill))]...)
	}
	return append(dst, '\n')
}

// filling pads lines, from a place that depends on their number.
var filling = strings.Repeat("abcdefghijklmnopqrstuvwxyz", 20)

// sink takes the output of a consumer, line by line.
type sink struct {
	mu      sync.Mutex
	each    func(line []byte) error // called with the lock, without the newline
	rate    int                     // bytes a second that it reads; 0 is no limit
	partial []byte
	count   int
	bytes   int
	firstAt time.Time
	lastAt  time.Time
	maxGap  time.Duration // between lines, since resetGap
	err     error         // the first that each returned
}

func newSink(each func(line []byte) error) *sink { return &sink{each: each} }

// Write implements io.Writer. It never fails: the process is to run on, and
// the test looks at err.
func (s *sink) Write(b []byte) (int, error) {
	if s.rate > 0 {
		time.Sleep(time.Duration(len(b)) * time.Second / time.Duration(s.rate)) // the pace is the test
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size := len(b)
	s.bytes += size
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.partial = append(s.partial, b...)
			return size, nil
		}
		line := b[:i]
		if len(s.partial) > 0 {
			line = append(s.partial, line...)
			s.partial = s.partial[:0]
		}
		s.line(line)
		b = b[i+1:]
	}
}

func (s *sink) line(line []byte) {
	now := time.Now()
	if s.count++; s.count == 1 {
		s.firstAt = now
	}
	if !s.lastAt.IsZero() {
		s.maxGap = max(s.maxGap, now.Sub(s.lastAt))
	}
	s.lastAt = now
	if s.each != nil && s.err == nil {
		s.err = s.each(line)
	}
}

func (s *sink) lines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *sink) first() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.firstAt
}

func (s *sink) last() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastAt
}

// resetGap returns the longest gap between two lines since the last call.
func (s *sink) resetGap() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	gap := s.maxGap
	if !s.lastAt.IsZero() {
		gap = max(gap, time.Since(s.lastAt)) // the one that goes on
	}
	s.maxGap = 0
	return gap
}

// inOrder checks the lines of one or several sources: of each tag, the numbers
// follow each other, from first, and the text is what was produced.
type inOrder struct {
	size int
	next map[string]int // by tag
	want []byte
}

func newInOrder(size int, first map[string]int) *inOrder { return &inOrder{size: size, next: first} }

func (o *inOrder) check(line []byte) error {
	tag, _, ok := bytes.Cut(line, []byte(" "))
	next, known := o.next[string(tag)]
	if !ok || !known {
		return fmt.Errorf("line %.40q is of nobody", line)
	}
	o.want = appendLine(o.want[:0], string(tag), next, o.size)
	if !bytes.Equal(o.want[:len(o.want)-1], line) {
		return fmt.Errorf("got %.40q, want %.40q", line, o.want)
	}
	o.next[string(tag)]++
	return nil
}

// number returns the number in a line.
func number(line []byte) (int, error) {
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return 0, fmt.Errorf("line %.40q has no number", line)
	}
	return strconv.Atoi(string(fields[1]))
}
