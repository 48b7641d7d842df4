package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/beckmesh/beck/internal/survey"
)

func TestTable(t *testing.T) {
	tab := newTable("NAME", ">N", "LAST")
	tab.add("ä", "5", "")
	tab.add("longer", "12,345", "x")
	var b strings.Builder
	tab.write(&b)
	if want := "NAME         N  LAST\nä            5\nlonger  12,345  x\n"; b.String() != want {
		t.Errorf("got\n%s, want\n%s", b.String(), want)
	}
}

func TestHuman(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	age := func(d time.Duration) string { at := now.Add(-d); return humanAge(&at, now) }
	for _, c := range []struct{ got, want string }{
		{humanBytes(0), "0 B"}, {humanBytes(1023), "1023 B"}, {humanBytes(1024), "1.0 KiB"},
		{humanBytes(1<<20 - 1), "1.0 MiB"}, {humanBytes(3 << 29), "1.5 GiB"}, {humanBytes(1<<64 - 1), "16.0 EiB"},
		{humanCount(0), "0"}, {humanCount(999), "999"}, {humanCount(1000), "1,000"}, {humanCount(1234567), "1,234,567"},
		{humanRate(0), "-"}, {humanRate(12.34), "12.3/s"}, {humanRate(12345.6), "12,346/s"},
		{age(-time.Hour), "0s"}, {age(59 * time.Second), "59s"}, {age(61 * time.Second), "1m01s"},
		{age(25 * time.Hour), "1d01h"}, {age(90 * time.Minute), "1h30m"}, {humanAge(nil, now), "-"},
		{humanName("hello.you"), "hello.you"}, {humanName("a b"), `"a b"`}, {humanName("\x1b[2J"), `"\x1b[2J"`},
		{humanName("\xff"), `"\xff"`}, {humanName(""), `""`}, {humanName("größe"), "größe"},
		{humanRange(3, 3), "3"}, {humanRange(3, 5), "3-5"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestCheckFormats prints a verdict of names that a format could trip over.
func TestCheckFormats(t *testing.T) {
	snap := topSnapshot()
	snap.Topics = append(snap.Topics, survey.Topic{Name: "bad\xff\"| \n", Partitions: 1, List: []survey.Partition{{Records: 1, Producer: "P"}}})
	snap.Saved = append(snap.Saved, survey.Saved{Name: "a|b\n", Lag: 7})
	snap.Nodes[0].Disk = &survey.Disk{State: "full", Size: 10, Free: 1, Used: 9}
	v := newVerdict(snap, survey.Limits{MinStores: 1, MaxLag: 5})
	if v.Status != survey.Critical || len(v.Problems) != 3 || v.Summary.UnderStored != 1 {
		t.Fatalf("%+v", v)
	}
	var metrics bytes.Buffer
	if err := v.prometheus(&metrics); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"beck_check_status 2\n", "beck_store_disk_ok{store=\"B\"} 0\n", "beck_consumer_lag_records{name=\"a|b\\n\"} 7\n"} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("no %q in\n%s", want, metrics.String())
		}
	}
	if found, err := promlint.New(&metrics).Lint(); err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
	for name, text := range map[string]string{"nagios": v.nagios(), "text": v.text()} {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != 4 {
			t.Errorf("%s: %d lines:\n%s", name, len(lines), text)
		}
		if name == "nagios" && (strings.Count(lines[0], "|") != 1 || strings.Contains(strings.Join(lines[1:], ""), "|")) {
			t.Errorf("bars in:\n%s", text)
		}
	}
}
