package bench

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watch looks at the nodes of a run as an operator's tools do: it reads the metrics of
// each, as Prometheus does, and takes their spans, as a collector does. What that costs
// this process is not part of what is measured; what it costs the nodes is.
type watch struct {
	every time.Duration // between two looks at metrics; 0: none
	urls  []string      // of the nodes
	spans *http.Server  // takes spans; nil: there are none
	to    string        // its URL
	roots int           // traces that each producer begins a second

	stop chan struct{}
	all  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	reads   int
	exports int
	err     error
}

// newWatch returns what watches a run, and takes spans at once where it is to.
func newWatch(c Config) (*watch, error) {
	w := &watch{every: c.Scrape, roots: c.Trace, stop: make(chan struct{})}
	if c.Trace == 0 {
		return w, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for spans: %w", err)
	}
	w.to = "http://" + ln.Addr().String()
	w.spans = &http.Server{Handler: http.HandlerFunc(w.take), ReadHeaderTimeout: scrapePatience}
	w.all.Go(func() { _ = w.spans.Serve(ln) }) // until close
	return w, nil
}

// take counts spans, and forgets them.
func (w *watch) take(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the client is told nothing of its end
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exports++
}

// args are what a role's process is told, besides its role.
func (w *watch) args() []string {
	if w.spans == nil {
		return nil
	}
	return []string{"--trace", w.to, "--trace-roots", strconv.Itoa(w.roots)}
}

// begin reads the metrics of all nodes now and then, until end.
func (w *watch) begin() {
	if w.every == 0 {
		return
	}
	for _, url := range w.urls {
		w.all.Go(func() { w.follow(url) })
	}
}

func (w *watch) follow(url string) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		err := scrape(url)
		w.mu.Lock()
		if w.reads++; err != nil && w.err == nil {
			w.err = err
		}
		w.mu.Unlock()
		select {
		case <-tick.C:
		case <-w.stop:
			return
		}
	}
}

// scrapePatience is how long a node may take to tell its metrics.
const scrapePatience = 10 * time.Second

// scrape reads the metrics of a node once.
func scrape(url string) error {
	client := http.Client{Timeout: scrapePatience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url + "/metrics")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("metrics of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK || !strings.Contains(string(text), "beck_") {
		return fmt.Errorf("metrics of %s: status %s", url, response.Status)
	}
	return nil
}

// end ends the looks at metrics, and returns how many there were, how often spans came
// so far, and what went wrong.
func (w *watch) end() (reads, exports int, err error) {
	w.halt()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reads, w.exports, w.err
}

// halt has no more looks begin.
func (w *watch) halt() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
}

// close ends everything.
func (w *watch) close() {
	w.halt()
	if w.spans != nil {
		_ = w.spans.Close() // nobody waits for an answer
	}
	w.all.Wait()
}
