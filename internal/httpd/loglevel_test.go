package httpd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/httpd"
)

const token = "0123456789abcdef"

// leveled is a daemon that logs by a level which can be changed, and its settings,
// with a token.
func leveled(t *testing.T) (httpd.Config, httpd.Daemon, *slog.LevelVar) {
	c, d, level := loopback, quiet(), new(slog.LevelVar)
	c.TokenFile = filepath.Join(t.TempDir(), "token")
	write(t, c.TokenFile, token)
	level.Set(slog.LevelWarn)
	d.LogLevel = &httpd.LogLevel{Get: level.Level, Set: level.Set}
	return c, d, level
}

// put makes a request one that changes the level, by who has the token.
func put(body string, edits ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.Method = http.MethodPut
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		for _, edit := range edits {
			edit(r)
		}
	}
}

// header sets a header of a request; "" takes it away.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
}

func TestLogLevel(t *testing.T) {
	c, d, level := leveled(t)
	url := serve(t, c, d).URL() + "/api/v1/log-level"
	get := header("Authorization", "Bearer "+token)
	if status, text, _ := ask(t, url, get); status != 200 || !strings.Contains(text, `"level": "warn"`) {
		t.Errorf("GET: status %d: %s", status, text)
	}
	for _, word := range []string{"debug", "error", "info", "info", "warn"} {
		status, text, _ := ask(t, url, put(fmt.Sprintf(`{"level": %q}`, word)))
		if status != 200 || !strings.Contains(text, word) || !strings.EqualFold(level.Level().String(), word) {
			t.Errorf("PUT %s: status %d: %s; it logs %v", word, status, text, level.Level())
		}
	}
	if status, text, _ := ask(t, url, get); status != 200 || !strings.Contains(text, `"level": "warn"`) {
		t.Errorf("GET: status %d: %s", status, text)
	}
}

// TestWrongChanges: each is refused with the right status and an error in JSON, and
// changes nothing.
func TestWrongChanges(t *testing.T) {
	c, d, level := leveled(t)
	guarded := serve(t, c, d)
	open := serve(t, loopback, d) // without a token
	const good = `{"level": "debug"}`
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	method := func(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }
	for _, c := range []struct {
		name string
		to   *httpd.Server
		path string
		edit func(*http.Request)
		want int
		text string
	}{
		{"without a token file", open, "", put(good), 403, "--http-token-file"},
		{"without the token", guarded, "", put(good, header("Authorization", "")), 401, "Bearer"},
		{"with another token", guarded, "", put(good, header("Authorization", "Bearer 0123456789abcdeF")), 401, "Bearer"},
		{"from a page of another site", guarded, "", put(good, header("Sec-Fetch-Site", "cross-site")), 403, "another site"},
		{"from a page of a sister site", guarded, "", put(good, header("Sec-Fetch-Site", "same-site")), 403, "another site"},
		{"from a page of another origin", guarded, "", put(good, header("Origin", "http://evil.example")), 403, "another site"},
		{"from another port", guarded, "", put(good, header("Origin", "http://127.0.0.1:1")), 403, "another site"},
		{"from another site, without a token file", open, "", put(good, header("Origin", "http://evil.example")), 403, "another site"},
		{"by another host", guarded, "", put(good, func(r *http.Request) { r.Host = "evil.example" }), 421, "host"},
		{"as a form", guarded, "", put("level=debug", header("Content-Type", "application/x-www-form-urlencoded")), 415, "application/json"},
		{"as text", guarded, "", put(good, header("Content-Type", "text/plain")), 415, "application/json"},
		{"as nothing", guarded, "", put(good, header("Content-Type", "")), 415, "application/json"},
		{"no body", guarded, "", put(""), 400, "want {"},
		{"no JSON", guarded, "", put("debug"), 400, "want {"},
		{"another level", guarded, "", put(`{"level": "loud"}`), 400, "debug, info, warn, error"},
		{"a number", guarded, "", put(`{"level": -4}`), 400, "debug, info, warn, error"},
		{"something else as well", guarded, "", put(`{"level": "debug", "for": "1h"}`), 400, "want {"},
		{"two of them", guarded, "", put(good + good), 400, "want {"},
		{"garbage behind it", guarded, "", put(good + "]"), 400, "want {"},
		{"a large body", guarded, "", put(`{"level": "` + strings.Repeat("x", 1<<20) + `"}`), 413, "1024 bytes"},
		{"a large body in chunks", guarded, "", put(`{"level": "`+strings.Repeat("x", 1<<20)+`"}`, chunked), 413, "1024 bytes"},
		{"a large body of spaces", guarded, "", put(good + strings.Repeat(" ", 1<<16)), 413, "1024 bytes"},
		{"a parameter", guarded, "?level=debug", put(good), 400, `no such parameter: "level"`},
		{"a method", guarded, "", put(good, method("POST")), 405, "want GET, HEAD or PUT"},
		{"a method", guarded, "", put(good, method("DELETE")), 405, "want GET, HEAD or PUT"},
		{"a body to read", guarded, "", put(good, method("GET")), 413, "body"},
		{"another path", guarded, "/../nodes", put(good), 405, "nothing can be changed"},
	} {
		status, text, answered := ask(t, c.to.URL()+"/api/v1/log-level"+c.path, c.edit)
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != c.want || !strings.Contains(answer.Error, c.text) {
			t.Errorf("%s: status %d, %.200q; want status %d, an error in JSON with %q", c.name, status, text, c.want, c.text)
		}
		for name := range answered {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: header %s lets other sites read the answer", c.name, name)
			}
		}
		if level.Level() != slog.LevelWarn {
			t.Fatalf("%s: it logs %v now", c.name, level.Level())
		}
	}
	if status, text, _ := ask(t, serve(t, loopback, quiet()).URL()+"/api/v1/log-level", nil); status != 404 {
		t.Errorf("of a daemon that has none: status %d: %s", status, text)
	}
}

// TestPreflight: a browser that asks whether a page of another site may send a PUT
// is told that it may not.
func TestPreflight(t *testing.T) {
	c, d, _ := leveled(t)
	status, text, answered := ask(t, serve(t, c, d).URL()+"/api/v1/log-level", func(r *http.Request) {
		r.Method = http.MethodOptions
		r.Header.Set("Origin", "http://evil.example")
		r.Header.Set("Access-Control-Request-Method", "PUT")
		r.Header.Set("Access-Control-Request-Headers", "authorization, content-type")
	})
	if status != 405 || answered.Get("Access-Control-Allow-Origin") != "" || answered.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("status %d: %s %v", status, text, answered)
	}
}

// TestSlowChange: a body that does not come takes no place for longer than a
// request's time.
func TestSlowChange(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	c, d, level := leveled(t)
	conn := dial(t, serve(t, c, d))
	fmt.Fprintf(conn, "PUT /api/v1/log-level HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{", token)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	all, err := io.ReadAll(conn)
	if !strings.HasPrefix(string(all), "HTTP/1.1 408 ") || !strings.Contains(string(all), `"error":`) || os.IsTimeout(err) || level.Level() != slog.LevelWarn {
		t.Errorf("got %q, %v; want status 408 and the end", all, err)
	}
}
