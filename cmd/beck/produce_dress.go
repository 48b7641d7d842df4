package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/span"
	"github.com/spf13/cobra"
)

// dress is what the flags give every record beside its value.
type dress struct {
	headers  headerList
	fixedKey string
	time     string

	key []byte    // nil: the record's own
	at  time.Time // zero: the record's own
}

// prepare reads the flags. A time that is an age counts back from now.
func (d *dress) prepare(cmd *cobra.Command, now time.Time) (err error) {
	if cmd.Flags().Changed("key") {
		d.key = []byte(d.fixedKey)
	}
	if cmd.Flags().Changed("time") {
		if d.at, err = span.ParseTime(d.time, now); err != nil {
			return usagef("--time: %w", err)
		}
	}
	return nil
}

// put gives records what the flags say.
func (d *dress) put(records []beck.Record) {
	if d.key == nil && d.at.IsZero() && len(d.headers) == 0 {
		return
	}
	for i := range records {
		r := &records[i]
		if d.key != nil {
			r.Key = d.key
		}
		if !d.at.IsZero() {
			r.Time = d.at
		}
		if len(r.Headers) == 0 {
			r.Headers = d.headers
		} else {
			r.Headers = append(r.Headers, d.headers...)
		}
	}
}

// headerList is the flag type of --header, which may be repeated.
type headerList []beck.Header

func (h *headerList) Type() string { return "header" }

func (h *headerList) String() string { return strings.Join(h.GetSlice(), ",") }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (h *headerList) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return errors.New("want NAME=VALUE")
	}
	if name == "" {
		return fmt.Errorf("the NAME is empty: want NAME=VALUE")
	}
	*h = append(*h, beck.Header{Name: name, Value: []byte(value)})
	return nil
}

// Append, Replace and GetSlice implement pflag.SliceValue.
func (h *headerList) Append(text string) error { return h.Set(text) }

func (h *headerList) Replace(texts []string) error {
	*h = nil
	for _, text := range texts {
		if err := h.Set(text); err != nil {
			return err
		}
	}
	return nil
}

func (h *headerList) GetSlice() []string {
	texts := make([]string, len(*h))
	for i, one := range *h {
		texts[i] = one.Name + "=" + string(one.Value)
	}
	return texts
}
