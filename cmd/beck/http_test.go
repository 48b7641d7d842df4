package main

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/beckmesh/beck/internal/httpd"
	"github.com/spf13/cobra"
)

// TestPortTaken: a daemon goes without HTTP if its default port is taken, and fails
// if the port was asked for.
func TestPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	for _, args := range [][]string{nil, {"--http", taken}} {
		var f httpFlags
		var said bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetErr(&said)
		f.addTo(cmd, taken)
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		s, err := f.serve(cmd, httpd.Daemon{})
		defer s.Close()
		if args == nil {
			if err != nil || s != nil || !strings.Contains(said.String(), "no HTTP: "+taken+" is taken") {
				t.Errorf("the default port: got %v, %v, and it said %q", s, err, said.String())
			}
		} else if !errors.Is(err, syscall.EADDRINUSE) || said.Len() > 0 {
			t.Errorf("the port of the flag: got %v, %v, and it said %q", s, err, said.String())
		}
	}
}
