package httpd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	eventTime = 10 * time.Second // a client has for taking an event
	pingEvery = 10 * time.Second
)

// stream is an answer of server-sent events.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// newStream begins the answer. It fails if the client does not take it.
func newStream(w http.ResponseWriter) (*stream, error) {
	s := &stream{w, http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // a proxy in between may not gather them
	within(w, eventTime)
	w.WriteHeader(http.StatusOK)
	return s, s.c.Flush()
}

// send sends an event with a value in JSON. It fails if the client does not take it.
func (s *stream) send(event string, what any) error {
	data, err := json.Marshal(what) // which has no line breaks
	if err != nil {
		return err
	}
	return s.write("event: %s\ndata: %s\n\n", event, data)
}

// ping shows that the stream is there.
func (s *stream) ping() error { return s.write(": ping\n\n") }

func (s *stream) write(format string, args ...any) error {
	within(s.w, eventTime)
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.c.Flush()
}

// errorJSON is the data of an event that says what is wrong.
type errorJSON struct {
	Error string `json:"error"`
}
