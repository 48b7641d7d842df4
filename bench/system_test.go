package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// TestSystems has every system do a little of everything that it does.
func TestSystems(t *testing.T) {
	program := os.Getenv("BECK")
	for _, s := range systems(program) {
		t.Run(s.name, func(t *testing.T) {
			if s.name == "beck" && program == "" {
				t.Skip("no program in $BECK: make comparetest builds one")
			}
			if s.missing != nil && s.missing() != "" {
				t.Skip(s.missing())
			}
			for _, mode := range s.modes {
				w := work{mode: mode, count: 2000, size: 100, consumers: 1, rate: 5000, dir: t.TempDir()}
				if mode == fanout {
					w.consumers = 3
				}
				if mode == join {
					w.count = 2
				}
				r, err := s.run(t.Context(), w)
				if err != nil {
					t.Fatalf("%s: %v", mode, err)
				}
				checkReport(t, w, r)
			}
		})
	}
}

func checkReport(t *testing.T, w work, r *workload.Report) {
	t.Helper()
	if r.Mode != w.mode || r.Count != w.count || r.Seconds <= 0 || len(r.CPUSeconds) == 0 {
		t.Errorf("%s: %+v", w.mode, r)
	}
	if w.mode != join && r.RecordsPerSecond <= 0 {
		t.Errorf("%s: %v records/s", w.mode, r.RecordsPerSecond)
	}
	if (w.mode == latency || w.mode == join) && (r.Latency == nil || r.Latency.P50 <= 0 || r.Latency.Max < r.Latency.P50) {
		t.Errorf("%s: latency %+v", w.mode, r.Latency)
	}
	for role, bytes := range r.PeakRSSBytes {
		if bytes < 1<<20 {
			t.Errorf("%s: %s had %d bytes", w.mode, role, bytes)
		}
	}
}

// TestLostRecordIsMissed: what a receiver gets is checked, whatever the system.
func TestLostRecordIsMissed(t *testing.T) {
	shape := work{mode: direct, count: 100, size: 64}.shape()
	payloads := workload.NewPayloads(shape)
	var sent bytes.Buffer
	for seq := range shape.Count {
		if seq == 57 {
			continue
		}
		v := make([]byte, shape.Size)
		payloads.Fill(v, 0, seq)
		sent.Write([]byte{0, 0, 0, byte(shape.Size)})
		sent.Write(v)
	}
	in, out := net.Pipe()
	go func() { _, _ = out.Write(sent.Bytes()); out.Close() }()
	commands, keep := io.Pipe()
	defer keep.Close()
	s := newSink(role{Shape: shape}, procs.NewWorker(t.Context(), commands, io.Discard))
	defer s.stop()
	err := tcpTake(in, s, shape.Size)
	in.Close()
	if !errors.Is(err, workload.ErrLost) || !strings.Contains(err.Error(), "record 57") {
		t.Errorf("got %v", err)
	}
}

func TestResp(t *testing.T) {
	var out bytes.Buffer
	c := &respConn{
		in: bufio.NewReader(strings.NewReader(
			"$3\r\none\r\n*2\r\n$1\r\na\r\n:5\r\n*1\r\n$5\r\nvalue\r\n-ERR no\r\n+OK\r\n")),
		out: bufio.NewWriter(&out),
	}
	c.send([]byte("XADD"), []byte("\r\n"), nil)
	if err := c.out.Flush(); err != nil || out.String() != "*3\r\n$4\r\nXADD\r\n$2\r\n\r\n\r\n$0\r\n\r\n" {
		t.Errorf("sent %q, %v", out.String(), err)
	}
	if err := errors.Join(c.skip(), c.skip()); err != nil {
		t.Errorf("skipping: %v", err)
	}
	if n, err := c.array(); n != 1 || err != nil {
		t.Errorf("array of %d, %v", n, err)
	}
	if v, err := c.bulk(nil); string(v) != "value" || err != nil {
		t.Errorf("value %q, %v", v, err)
	}
	if err := c.skip(); !errors.Is(err, errRedis) {
		t.Errorf("the server's error is %v", err)
	}
	if _, err := c.array(); !errors.Is(err, errRedis) {
		t.Errorf("a status as an array: %v", err)
	}
}

func TestDafkaRate(t *testing.T) {
	text := "message count: 9\nmean throughput: 76123 [msg/s]\nmean throughput: 60.898 [Mb/s]\n"
	if got := dafkaRate(text); got != 76123 {
		t.Errorf("rate %v", got)
	}
	if got := dafkaRate("mean throughput: 60.898 [Mb/s]\n"); got != 0 {
		t.Errorf("rate %v of none", got)
	}
}

func TestSystemsKnowTheirModes(t *testing.T) {
	for _, s := range systems("beck") {
		for _, m := range s.modes {
			if !slices.Contains(allModes, m) {
				t.Errorf("%s has a mode %q", s.name, m)
			}
		}
		if s.note == "" {
			t.Errorf("%s does not say how it is set up", s.name)
		}
	}
	for _, g := range targets {
		if !slices.ContainsFunc(systems("beck"), func(s system) bool { return s.name == g.against && slices.Contains(s.modes, g.mode) }) {
			t.Errorf("a target of mode %s is against %q, which is not measured", g.mode, g.against)
		}
	}
}
