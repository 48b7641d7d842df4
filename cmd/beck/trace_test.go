package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/testmesh"
)

// TestTraceCollector: spans go by OTLP to the collector that is named, by flag or by
// OpenTelemetry's variable, and to no other path than its own.
func TestTraceCollector(t *testing.T) {
	var mu sync.Mutex
	got := make(map[string]string) // bodies, by path
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path] += string(body)
	}))
	defer collector.Close()
	m := testmesh.New(t)
	m.Store("")
	produce := func(topic, to string) {
		t.Helper()
		var out, errOut bytes.Buffer
		args := []string{"produce", topic, "--sub", m.Node.Sub[0], "--pub", m.Node.Pub[0], "--listen", "127.0.0.1:0", "--trace", to}
		if status := run(args, strings.NewReader("secret\n"), &out, &errOut); status != 0 || errOut.Len() > 0 {
			t.Fatalf("beck %v: status %d: %s", args, status, &errOut)
		}
	}
	produce("flag", collector.URL)
	produce("path", collector.URL+"/some/where")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_SERVICE_NAME", "importer")
	produce("variable", "otlp")
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []struct{ path, text string }{
		{"/v1/traces", "publish flag"}, {"/v1/traces", "beck-produce"}, {"/some/where", "publish path"},
		{"/v1/traces", "publish variable"}, {"/v1/traces", "importer"},
	} {
		if !strings.Contains(got[want.path], want.text) {
			t.Errorf("the collector got nothing with %q at %s", want.text, want.path)
		}
	}
	for path, body := range got {
		if strings.Contains(body, "secret") {
			t.Errorf("a value went to the collector, at %s", path)
		}
	}
	if len(got) != 2 {
		t.Errorf("the collector was asked for %d paths, want 2", len(got))
	}
}

// TestTraceCollectorGone: a collector that is not there keeps no command from doing
// what it does.
func TestTraceCollectorGone(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	var out, errOut bytes.Buffer
	args := []string{"produce", "hello", "--sub", m.Node.Sub[0], "--pub", m.Node.Pub[0], "--listen", "127.0.0.1:0", "--trace", "http://127.0.0.1:1"}
	if status := run(args, strings.NewReader("one\n"), &out, &errOut); status != 0 || !strings.Contains(errOut.String(), "spans could not be sent") {
		t.Errorf("status %d, and it said %q", status, &errOut)
	}
}
