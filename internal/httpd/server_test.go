package httpd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/beckmesh/beck/internal/httpd"
)

// loopback serves on a free port of this machine.
var loopback = httpd.Config{Addr: "127.0.0.1:0"}

// quiet is a daemon that lives, is ready and knows no mesh.
func quiet() httpd.Daemon {
	d := httpd.Daemon{Alive: func() error { return nil }, Ready: func() []string { return nil }}
	d.Mesh.Sub, d.Mesh.Pub, d.Mesh.Listen = []string{"tcp://127.0.0.1:1"}, []string{"tcp://127.0.0.1:1"}, "127.0.0.1:0"
	return d
}

func serve(t *testing.T, c httpd.Config, d httpd.Daemon) *httpd.Server {
	t.Helper()
	s, err := httpd.Start(c, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// client makes a connection for each request, so that it leaves none behind.
var client = &http.Client{Transport: &http.Transport{
	DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
}}

// ask returns the status and the body of an answer; edit may be nil.
func ask(t *testing.T, url string, edit func(*http.Request)) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

// TestWrongRequests gets the right status, and an error in JSON.
func TestWrongRequests(t *testing.T) {
	url := serve(t, loopback, quiet()).URL()
	body := func(n int) func(*http.Request) {
		return func(r *http.Request) {
			text := strings.Repeat("x", n)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(n)
		}
	}
	method := func(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }
	from := func(site, mode string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site); r.Header.Set("Sec-Fetch-Mode", mode) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for _, c := range []struct {
		path string
		edit func(*http.Request)
		want int
		text string
	}{
		{"/", nil, 404, `no such path: "/"`},
		{"/livez/", nil, 404, "no such path"},
		{"/api/v1/topics/", nil, 404, "no such path"},
		{"/api/v2/nodes", nil, 404, "no such path"},
		{"/debug/pprof/", nil, 404, "no such path"},
		{"/livez?verbose=1", nil, 400, `no such parameter: "verbose": want none`},
		{"/api/v1/topics?limit=1&limit=2", nil, 400, "limit: want it once"},
		{"/api/v1/topics?a=%zz", nil, 400, "the query cannot be read"},
		{"/api/v1/nodes?all=true", nil, 400, "no such parameter"},
		{"/livez", method("POST"), 405, "method POST: want GET or HEAD"},
		{"/api/v1/nodes", method("DELETE"), 405, "nothing can be changed"},
		{"/livez", method("OPTIONS"), 405, "method OPTIONS"},
		{"/livez", body(1), 413, "the request has a body"},
		{"/livez", body(1 << 20), 413, "the request has a body"},
		{"/livez", host("evil.example"), 421, `host "evil.example"`},
		{"/metrics", host("localhost.evil.example:5580"), 421, "host"},
		{"/api/v1/events", from("cross-site", "no-cors"), 403, "a page of another site"},
		{"/livez", from("same-site", "cors"), 403, "a page of another site"},
		{"/livez", from("cross-site", "navigate"), 200, ""},
		{"/livez", from("same-origin", "cors"), 200, ""},
		{"/livez", host("localhost:1"), 200, ""},
		{"/livez", host("[::1]:5580"), 200, ""},
		{"/livez", host("10.0.0.5"), 200, ""},
	} {
		status, text, header := ask(t, url+c.path, c.edit)
		if status != c.want {
			t.Errorf("%s: status %d, want %d: %s", c.path, status, c.want, text)
		}
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || !strings.Contains(answer.Error, c.text) {
			t.Errorf("%s: got %q, want an error in JSON with %q", c.path, text, c.text)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: header %s lets other sites read the answer", c.path, name)
			}
		}
		if header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: a browser may guess what the answer is", c.path)
		}
	}
}

// TestOddRequests are those that a client of Go's does not make.
func TestOddRequests(t *testing.T) {
	s := serve(t, loopback, quiet())
	for _, c := range []struct{ request, status, text string }{
		{"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 32<<10), "431", ""},
		{"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost", "400", ""},
		{"nonsense", "400", ""},
		{"OPTIONS * HTTP/1.1\r\nHost: localhost", "405", "method OPTIONS"},
		{"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80", "421", "host"},
		{"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80", "405", "method CONNECT"},
		{"TRACE /livez HTTP/1.1\r\nHost: localhost", "405", "method TRACE"},
		{"GET http://evil.example/livez HTTP/1.1\r\nHost: localhost", "421", "host"},
		{"GET /livez HTTP/1.0", "421", "host"},
		{"GET /livez?a=1;b=2 HTTP/1.1\r\nHost: localhost", "400", "the query cannot be read"},
		{"GET /%00<script> HTTP/1.1\r\nHost: localhost", "404", `no such path: \"/\\x00\u003cscript\u003e\"`},
		{"GET /livez/../metrics HTTP/1.1\r\nHost: localhost", "404", "no such path"},
		{"GET //livez HTTP/1.1\r\nHost: localhost", "404", "no such path"},
		{"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked", "413", "the request has a body"},
	} {
		conn := dial(t, s)
		fmt.Fprintf(conn, "%s\r\nConnection: close\r\n\r\n", c.request)
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		all, err := io.ReadAll(conn)
		head, body, _ := strings.Cut(string(all), "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 "+c.status+" ") && !strings.HasPrefix(head, "HTTP/1.0 "+c.status+" ") {
			t.Errorf("%.60q: got %.200q, %v; want status %s", c.request, all, err, c.status)
		}
		if c.text != "" && (!strings.Contains(body, `"error": "`) || !strings.Contains(body, c.text) || !strings.Contains(head, "application/json")) {
			t.Errorf("%.60q: got %.200q, want an error in JSON with %q", c.request, body, c.text)
		}
	}
}

// TestSlowBody is answered without waiting for the body, and does not keep its
// connection.
func TestSlowBody(t *testing.T) {
	s := serve(t, loopback, quiet())
	for method, status := range map[string]string{"GET": "413", "POST": "405"} {
		conn := dial(t, s)
		fmt.Fprintf(conn, "%s /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx", method)
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		all, err := io.ReadAll(conn)
		if !strings.HasPrefix(string(all), "HTTP/1.1 "+status+" ") || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %q, %v; want status %s and the end", method, all, err, status)
		}
	}
}

func dial(t *testing.T, s *httpd.Server) net.Conn {
	t.Helper()
	_, at, _ := strings.Cut(s.URL(), "://")
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestIdleConnections: a thousand of them, silent or after a request, keep nobody
// out, and all but the newest are closed.
func TestIdleConnections(t *testing.T) {
	c := loopback
	c.MaxConns = 50
	s := serve(t, c, quiet())
	conns := make([]net.Conn, 1000)
	for i := range conns {
		conns[i] = dial(t, s)
		if i%2 == 1 {
			fmt.Fprintf(conns[i], "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
	}
	if status, text, _ := ask(t, s.URL()+"/livez", nil); status != 200 {
		t.Errorf("status %d beside idle connections: %s", status, text)
	}
	closed := make(chan struct{}, len(conns))
	for _, conn := range conns {
		go func() {
			_, _ = io.Copy(io.Discard, conn) // until the server closes it, or the test's end
			closed <- struct{}{}
		}()
	}
	deadline := time.After(30 * time.Second)
	for n := range len(conns) - c.MaxConns {
		select {
		case <-closed:
		case <-deadline:
			t.Fatalf("%d of %d connections are open, though there may be %d", len(conns)-n, len(conns), c.MaxConns)
		}
	}
}

// TestClose ends requests that are being answered, and answers no more.
func TestClose(t *testing.T) {
	d := quiet()
	asked, goOn := make(chan struct{}), make(chan struct{})
	d.Alive = func() error { close(asked); <-goOn; return nil }
	s := serve(t, loopback, d)
	fmt.Fprintf(dial(t, s), "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-asked
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	select {
	case <-closed:
		t.Error("Close did not wait for a request that is being answered")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	<-closed
	if _, err := client.Get(s.URL() + "/livez"); err == nil {
		t.Error("it answers after Close")
	}
	s.Close()
}

// TestRequestsBounded: beyond the most there may be, a request is told to come
// again, and health is told in any case.
func TestRequestsBounded(t *testing.T) {
	c, d := loopback, quiet()
	c.MaxRequests = 1
	slow := slowMetrics{asked: make(chan struct{}), goOn: make(chan struct{})}
	d.Metrics = append(d.Metrics, slow)
	s := serve(t, c, d)
	defer close(slow.goOn)
	fmt.Fprintf(dial(t, s), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-slow.asked
	if status, text, header := ask(t, s.URL()+"/metrics", nil); status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("status %d while as many requests are answered as may be: %.100s", status, text)
	}
	if status, text, _ := ask(t, s.URL()+"/livez", nil); status != 200 {
		t.Errorf("status %d: %s", status, text)
	}
}

// slowMetrics are metrics that take until they are told to go on.
type slowMetrics struct{ asked, goOn chan struct{} }

func (slowMetrics) Describe(chan<- *prometheus.Desc) {}

func (s slowMetrics) Collect(chan<- prometheus.Metric) {
	s.asked <- struct{}{}
	<-s.goOn
}

func TestHealth(t *testing.T) {
	d := quiet()
	s := serve(t, loopback, d)
	for _, path := range []string{"/livez", "/readyz"} {
		if status, text, _ := ask(t, s.URL()+path, nil); status != 200 {
			t.Errorf("%s of a daemon that is well: %d %s", path, status, text)
		}
	}
	d.Alive = func() error { return errors.New("it stopped") }
	d.Ready = func() []string { return []string{"the disk is full"} }
	s = serve(t, loopback, d)
	if status, text, _ := ask(t, s.URL()+"/livez", nil); status != 503 || !strings.Contains(text, "it stopped") {
		t.Errorf("/livez of a daemon that stopped: %d %s", status, text)
	}
	if status, text, _ := ask(t, s.URL()+"/readyz", nil); status != 503 || !strings.Contains(text, "the disk is full") {
		t.Errorf("/readyz of a daemon whose disk is full: %d %s", status, text)
	}
}

// TestToken: with one, over TLS, only who has it reads; health answers anybody,
// without reasons.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	c := httpd.Config{Addr: "0.0.0.0:0", TokenFile: filepath.Join(dir, "token")}
	c.Cert, c.Key = certificate(t, dir)
	write(t, c.TokenFile, token+"\n")
	d := quiet()
	d.Ready = func() []string { return []string{"the disk is full"} }
	s := serve(t, c, d)
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("its URL is %s", s.URL())
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	for _, r := range []struct {
		path string
		edit func(*http.Request)
		want int
	}{
		{"/metrics", nil, 401}, {"/metrics", bearer("0123456789abcdeF"), 401}, {"/nothing", nil, 401},
		{"/metrics", bearer(token), 200}, {"/nothing", bearer(token), 404}, {"/livez", nil, 200},
		{"/livez", func(r *http.Request) { r.Host = "store-0.example:5581" }, 200},
		{"/livez", func(r *http.Request) { r.Host = "store-1.example" }, 421},
	} {
		if status, text, _ := ask(t, s.URL()+r.path, r.edit); status != r.want {
			t.Errorf("%s: status %d, want %d: %.200s", r.path, status, r.want, text)
		}
	}
	if status, text, _ := ask(t, s.URL()+"/readyz", nil); status != 503 || strings.Contains(text, "disk") {
		t.Errorf("/readyz without the token: %d %s", status, text)
	}
	if status, text, _ := ask(t, s.URL()+"/readyz", bearer(token)); status != 503 || !strings.Contains(text, "disk") {
		t.Errorf("/readyz with the token: %d %s", status, text)
	}
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	token, short := filepath.Join(dir, "token"), filepath.Join(dir, "short")
	write(t, token, "0123456789abcdef")
	write(t, short, "0123")
	for _, c := range []struct {
		name string
		c    httpd.Config
		want string // "": it is fine
	}{
		{"off", httpd.Config{Addr: "off"}, ""},
		{"loopback", loopback, ""},
		{"IPv6", httpd.Config{Addr: "[::1]:0"}, ""},
		{"localhost", httpd.Config{Addr: "localhost:5580"}, ""},
		{"everywhere, guarded", httpd.Config{Addr: ":0", Cert: cert, Key: key, TokenFile: token}, ""},
		{"everywhere", httpd.Config{Addr: ":0"}, "is reached from elsewhere"},
		{"elsewhere", httpd.Config{Addr: "10.0.0.5:0"}, "is reached from elsewhere"},
		{"without a token", httpd.Config{Addr: "0.0.0.0:0", Cert: cert, Key: key}, "is reached from elsewhere"},
		{"without TLS", httpd.Config{Addr: "0.0.0.0:0", TokenFile: token}, "is reached from elsewhere"},
		{"no port", httpd.Config{Addr: "127.0.0.1"}, `"127.0.0.1": want host:port`},
		{"empty", httpd.Config{}, "want host:port"},
		{"no such port", httpd.Config{Addr: "127.0.0.1:70000"}, "want a port"},
		{"a name", httpd.Config{Addr: "mesh.example:1"}, "want an IP address"},
		{"half of TLS", httpd.Config{Addr: "127.0.0.1:0", Cert: cert}, "want both or none"},
		{"no certificate", httpd.Config{Addr: "127.0.0.1:0", Cert: token, Key: key}, "--http-cert"},
		{"no token", httpd.Config{Addr: "127.0.0.1:0", TokenFile: filepath.Join(dir, "none")}, "--http-token-file"},
		{"short token", httpd.Config{Addr: "127.0.0.1:0", TokenFile: short}, "the token has 4 bytes: want 16 to 1024"},
	} {
		err := c.c.Validate()
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, httpd.ErrConfig) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes one for store-0.example, and returns its files.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"store-0.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return cert, key
}
