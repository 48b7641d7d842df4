package main

import (
	"bytes"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestReadyTellsSystemd: a daemon says by line and by socket that it is ready, and by
// socket that it stops.
func TestReadyTellsSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	var out, errOut bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	ready(cmd, "ready sub=a")
	if got, want := heard(t, l), "READY=1\nSTATUS=ready sub=a"; got != want {
		t.Errorf("systemd heard %q, want %q", got, want)
	}
	stopping(cmd)
	if got, want := heard(t, l), "STOPPING=1"; got != want {
		t.Errorf("systemd heard %q, want %q", got, want)
	}
	if out.String() != "ready sub=a\n" || errOut.Len() > 0 {
		t.Errorf("printed %q and %q", out.String(), errOut.String())
	}
	t.Setenv("NOTIFY_SOCKET", path+"-gone")
	ready(cmd, "ready")
	if errOut.Len() == 0 {
		t.Error("nothing was said of a systemd that cannot be told")
	}
}

func heard(t *testing.T, l *net.UnixConn) string {
	t.Helper()
	if err := l.SetReadDeadline(time.Now().Add(scriptLimit)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := l.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}
