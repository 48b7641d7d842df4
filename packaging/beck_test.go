package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// call is a command line of beck as a container or a unit has it.
type call struct {
	args   []string
	env    []string // "BECK_...=..."
	config string   // the configuration file, "" for none
}

func (c call) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(beckProgram(t), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"HOME=" + cmd.Dir, "BECK_CONFIG=" + c.config}, c.env...)
	if c.config == "" { // not the one of this machine either
		empty := filepath.Join(cmd.Dir, "none.yaml")
		if err := os.WriteFile(empty, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd.Env[1] = "BECK_CONFIG=" + empty
	}
	return cmd
}

// settings has beck parse a call with all that is configured, and returns its keys.
// A flag, a variable or a key that is not known fails the test.
func (c call) settings(t *testing.T) map[string]string {
	t.Helper()
	args := append([]string{"config", "-o", "json", c.args[0], "--"}, c.args[1:]...)
	cmd := c.command(t, args...)
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("beck %s: %v: %s", strings.Join(c.args, " "), err, errOut.String())
	}
	var all []struct {
		Key   string
		Value any
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, s := range all {
		text, isText := s.Value.(string)
		if !isText {
			list, _ := json.Marshal(s.Value)
			text = string(list)
		}
		values[s.Key] = text
	}
	return values
}

// check has beck parse a call. What can be run without a mesh is run, for its
// arguments: it may fail, but not because it was called wrongly.
func (c call) check(t *testing.T) map[string]string {
	t.Helper()
	if len(c.args) == 0 {
		t.Fatal("no command of beck")
	}
	switch c.args[0] {
	case "cert":
		args := slices.Clone(c.args)
		args[1] = t.TempDir()
		c.run(t, args, 0)
	case "health":
		c.run(t, c.args, 1)
	}
	return c.settings(t)
}

func (c call) run(t *testing.T, args []string, want int) {
	t.Helper()
	out, err := c.command(t, args...).CombinedOutput()
	status := new(exec.ExitError)
	if err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	if got := max(status.ExitCode(), 0); got != want && !(err == nil && want == 0) {
		t.Errorf("beck %s: exit status %d, want %d: %s", strings.Join(args, " "), got, want, out)
	}
}
