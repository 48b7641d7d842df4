// Package span reads where in a topic reading begins and ends, as people write it:
//
//	beginning | start    the oldest record there is
//	end                  what is published from now on
//	stored               where the saved positions are
//	N                    offset N of every partition
//	-N                   the last N records of every partition
//	s@TIME               the first record of TIME or later
//	e@TIME               up to the last record before TIME
//
// TIME is ms since 1970, RFC 3339 such as 2026-01-31T12:00:00Z, or an age such as
// 90s, 1h30m, 7d or 2w.
package span

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// From says how the begin of a span is given.
type From int

// The kinds of begins.
const (
	Unset     From = iota // nothing was said
	Beginning             // the oldest record
	End                   // what comes from now on
	Stored                // saved positions
	Offset                // Span.Offset
	Last                  // the last Span.Count records
	Time                  // Span.Begin
)

// Span is a part of a topic. The zero Span says nothing.
type Span struct {
	From   From
	Offset uint64    // with Offset
	Count  uint64    // with Last: at least 1
	Begin  time.Time // with Time
	Until  time.Time // records of that time and later are not in it; zero: no end
}

// ErrTwice says that a begin or an end was given before.
var ErrTwice = errors.New("given twice")

const (
	allowed     = "beginning, end, stored, N, -N, s@TIME or e@TIME"
	allowedTime = "ms since 1970, RFC 3339 such as 2026-01-31T12:00:00Z, or an age such as 1h or 7d"
)

// Set adds text to s: a begin or an end, each of them once. Ages count back from
// now.
func (s *Span) Set(text string, now time.Time) error {
	if at, ok := strings.CutPrefix(text, "e@"); ok {
		return s.setUntil(at, now)
	}
	next := *s
	if err := next.setFrom(text, now); err != nil {
		return err
	}
	if s.From != Unset {
		return fmt.Errorf("%s: where to begin is %w", text, ErrTwice)
	}
	*s = next
	return s.ordered()
}

func (s *Span) setUntil(text string, now time.Time) error {
	at, err := ParseTime(text, now)
	if err != nil {
		return err
	}
	if !s.Until.IsZero() {
		return fmt.Errorf("e@%s: where to end is %w", text, ErrTwice)
	}
	s.Until = at
	return s.ordered()
}

// ordered refuses a span that ends before it begins.
func (s *Span) ordered() error {
	if s.From == Time && !s.Until.IsZero() && s.Until.Before(s.Begin) {
		return fmt.Errorf("it ends at %s, before it begins at %s", s.Until.Format(time.RFC3339), s.Begin.Format(time.RFC3339))
	}
	return nil
}

func (s *Span) setFrom(text string, now time.Time) (err error) {
	switch text {
	case "beginning", "start":
		s.From = Beginning
		return nil
	case "end":
		s.From = End
		return nil
	case "stored":
		s.From = Stored
		return nil
	}
	if at, ok := strings.CutPrefix(text, "s@"); ok {
		s.From = Time
		s.Begin, err = ParseTime(at, now)
		return err
	}
	number, last := strings.CutPrefix(text, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("%.60q: want %s", text, allowed)
	case last && n == 0:
		return errors.New("-0: want at least -1, the last record")
	case last:
		s.From, s.Count = Last, n
	default:
		s.From, s.Offset = Offset, n
	}
	return nil
}

// maxMillis is the end of the year 9999.
const maxMillis = 253402300799999

// ParseTime reads a TIME; an age counts back from now. The result is in UTC,
// between 1970 and 9999.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if ms, err := strconv.ParseUint(text, 10, 64); err == nil {
		if ms > maxMillis {
			return time.Time{}, fmt.Errorf("%s: want at most %d, in the year 9999", text, int64(maxMillis))
		}
		return time.UnixMilli(int64(ms)).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		age, ok := parseAge(text)
		if !ok {
			return time.Time{}, fmt.Errorf("%.60q is no TIME: want %s", text, allowedTime)
		}
		at = now.Add(-age)
	}
	if ms := at.UnixMilli(); ms < 0 || ms > maxMillis {
		return time.Time{}, fmt.Errorf("%s: want a time between 1970 and 9999", text)
	}
	return at.UTC(), nil
}

// parseAge reads a duration of Go, which may begin with weeks and days.
func parseAge(text string) (age time.Duration, ok bool) {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, rest, found := strings.Cut(text, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.ContainsAny(number, "+-eExXpPiInN_") || n*float64(unit.size) > math.MaxInt64/4 {
			return 0, false
		}
		age, ok, text = age+time.Duration(n*float64(unit.size)), true, rest
	}
	if text == "" {
		return age, ok
	}
	rest, err := time.ParseDuration(text)
	if err != nil || rest < 0 || strings.HasPrefix(text, "+") || rest > math.MaxInt64/4 {
		return 0, false
	}
	return age + rest, true
}
