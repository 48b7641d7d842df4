package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// rate is the flag type of records in a time; 0 is no limit.
type rate struct {
	perSecond float64
	text      string
}

func (r *rate) Type() string   { return "rate" }
func (r *rate) String() string { return r.text }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (r *rate) Set(text string) error {
	number, unit, _ := strings.Cut(text, "/")
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if !strings.Contains(text, "/") {
		per = 1
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || per == 0 || !(n > 0) || n > 1e9 || n/per < 1e-6 {
		return fmt.Errorf("want N, N/s, N/m or N/h with N above 0 and at most 1e9")
	}
	r.perSecond, r.text = n/per, text
	return nil
}

// maxLag is how far a pacer may fall behind and still catch up.
const maxLag = 100 * time.Millisecond

// pacer spreads records over time. The zero pacer lets all pass at once.
type pacer struct {
	perSecond float64
	next      time.Time // when the next record is due
}

// take returns how many of most records are due, and, if none is, how long to wait.
func (p *pacer) take(most int, now time.Time) (n int, wait time.Duration) {
	if p.perSecond == 0 {
		return most, 0
	}
	if p.next.IsZero() {
		p.next = now
	}
	if p.next.After(now) {
		return 0, p.next.Sub(now)
	}
	if now.Sub(p.next) > maxLag {
		p.next = now.Add(-maxLag)
	}
	n = int(min(float64(most), 1+math.Floor(now.Sub(p.next).Seconds()*p.perSecond)))
	p.next = p.next.Add(time.Duration(float64(n) / p.perSecond * float64(time.Second)))
	return n, 0
}

// await is take, which waits until one is due. It returns 0 when a context ended.
func (p *pacer) await(ctx context.Context, most int) int {
	for {
		n, wait := p.take(most, time.Now())
		if n > 0 || ctx.Err() != nil {
			return n
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0
		}
	}
}
