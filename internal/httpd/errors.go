package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// failure is an error with the status that it is answered by.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func failf(status int, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

var (
	errNoToken   = &failure{http.StatusUnauthorized, "want the header \"Authorization: Bearer TOKEN\" with the token of --http-token-file"}
	errOtherSite = &failure{http.StatusForbidden, "the request is from a page of another site"}
	errNoTower   = &failure{http.StatusServiceUnavailable, "no tower answers: nothing is known of the mesh"}
)

// writeError answers with {"error": "..."}.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if f := new(failure); errors.As(err, &f) {
		status = f.status
	} else if r.Context().Err() != nil {
		return // nobody is there
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, status, struct {
		Error string `json:"error"`
	}{err.Error()})
}

// writeJSON answers with a value. What is wrong with writing is for nobody to
// know: the client is gone.
func writeJSON(w http.ResponseWriter, status int, what any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(what)
}
