package main

import (
	"testing"
	"time"
)

func TestNoticeStep(t *testing.T) {
	start := time.Unix(1000, 0)
	var n notice
	for i, step := range []struct {
		after time.Duration
		state waiting
		want  string
	}{
		{0, waiting{"a store", 1, "for a store"}, ""},
		{1900 * time.Millisecond, waiting{"a store", 1, "for a store"}, ""},
		{2000 * time.Millisecond, waiting{"a store", 1, "for a store"}, "for a store"},
		{2200 * time.Millisecond, waiting{"a store", 1, "for a store"}, ""},            // said once
		{2400 * time.Millisecond, waiting{"a tower", 1, "for a tower"}, "for a tower"}, // the cause changed
		{2600 * time.Millisecond, waiting{"a store", 2, "for a store"}, ""},            // progress
		{4500 * time.Millisecond, waiting{"a store", 2, "for a store"}, ""},
		{4600 * time.Millisecond, waiting{"a store", 2, "for a store"}, "for a store"},
		{4800 * time.Millisecond, waiting{"", 2, ""}, ""}, // nothing to wait for
		{5000 * time.Millisecond, waiting{"a store", 2, "for a store"}, ""},
		{6800 * time.Millisecond, waiting{"a store", 2, "for a store"}, "for a store"},
	} {
		if got := n.step(start.Add(step.after), step.state); got != step.want {
			t.Errorf("step %d: said %q, want %q", i, got, step.want)
		}
	}
}
