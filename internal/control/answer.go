package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// answer makes of a function on values one that serves HTTP.
func answer[In, Out any](f func(context.Context, In) (Out, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var in In
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			return failf(http.StatusBadRequest, "the request cannot be read: %v", err)
		}
		out, err := f(r.Context(), in)
		if err == nil {
			writeJSON(w, http.StatusOK, out)
		}
		return err
	}
}

// failure is an error with the status that it is answered by.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func failf(status int, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// refusal is the body of an answer that is an error.
type refusal struct {
	Error string `json:"error"`
}

func writeError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if f := new(failure); errors.As(err, &f) {
		status = f.status
	}
	writeJSON(w, status, refusal{err.Error()})
}

// writeJSON answers with a value. What is wrong with writing is for nobody to
// know: the client is gone.
func writeJSON(w http.ResponseWriter, status int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what)
}
