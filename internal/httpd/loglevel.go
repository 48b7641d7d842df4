package httpd

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
)

// LogLevels are the words for what is logged, from everything to the least.
var LogLevels = []string{"debug", "info", "warn", "error"}

// ParseLogLevel returns the level of a word; ok is false for a word that is none of
// LogLevels.
func ParseLogLevel(word string) (level slog.Level, ok bool) {
	if !slices.Contains(LogLevels, word) {
		return 0, false
	}
	return level, level.UnmarshalText([]byte(word)) == nil
}

// LogLevel is what a daemon logs, and how that is changed. Its functions are called
// from any goroutine.
type LogLevel struct {
	Get func() slog.Level
	Set func(slog.Level)
}

// levelText is the level as it is told and given.
type levelText struct {
	Level string `json:"level"`
}

// logLevel answers with what is logged, after it was changed if that is asked for.
func (s *Server) logLevel(w http.ResponseWriter, r *request) error {
	if r.Method == http.MethodPut {
		to, err := readLevel(w, r.Request)
		if err != nil {
			return err
		}
		s.daemon.LogLevel.Set(to)
	}
	writeJSON(w, http.StatusOK, levelText{strings.ToLower(s.daemon.LogLevel.Get().String())})
	return nil
}

// maxBody bounds the body of a request that may have one.
const maxBody = 1 << 10

// readLevel reads which level a request asks for.
func readLevel(w http.ResponseWriter, r *http.Request) (slog.Level, error) {
	if is, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || is != "application/json" {
		return 0, failf(http.StatusUnsupportedMediaType, "want the header \"Content-Type: application/json\"")
	}
	var given levelText
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(&given)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(more, errors.New("something follows"))
		}
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return 0, failf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", maxBody)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, failf(http.StatusRequestTimeout, "the body did not come in %v", headerTime)
	}
	level, known := ParseLogLevel(given.Level)
	if err != nil || !known {
		return 0, failf(http.StatusBadRequest, "want {\"level\": \"WORD\"} with one of %s", strings.Join(LogLevels, ", "))
	}
	return level, nil
}
