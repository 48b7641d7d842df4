package main

import (
	"errors"
	"strings"

	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// endpoints is the flag type of --sub and --pub: a list with commas of
// "tcp://host:port". Giving the flag replaces the default, giving it again adds.
type endpoints struct {
	list []string
	bind bool // to be bound, not dialled: one only; "*" and port 0 allowed
	set  bool
}

func (e *endpoints) Type() string   { return "endpoints" }
func (e *endpoints) String() string { return strings.Join(e.list, ",") }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (e *endpoints) Set(text string) error {
	if !e.set {
		e.list, e.set = nil, true
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if err := e.check(part); err != nil {
			return err
		}
		e.list = append(e.list, part)
	}
	if e.bind && len(e.list) > 1 {
		return errors.New("a tower binds one address")
	}
	return nil
}

// Append, Replace and GetSlice implement pflag.SliceValue, which makes the flag
// a list in a configuration file.
func (e *endpoints) Append(text string) error { return e.Set(text) }

// Replace implements pflag.SliceValue.
func (e *endpoints) Replace(texts []string) error {
	e.set = false
	return e.Set(strings.Join(texts, ","))
}

// GetSlice implements pflag.SliceValue.
func (e *endpoints) GetSlice() []string { return e.list }

func (e *endpoints) check(text string) error {
	host, port, err := protocol.ParseEndpoint(text)
	if err != nil {
		return errors.New("want tcp://host:port")
	}
	if !e.bind && (host == "" || port == "0") {
		return errors.New("names no host and port to dial")
	}
	return nil
}

// expandHost turns the flag --host into the host it stands for.
func expandHost(host string) (string, error) {
	host, err := mesh.ExpandHost(host)
	if err != nil {
		return "", usagef("--host: %w", err)
	}
	return host, nil
}
