package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Target is a system that the program is built for, by Go's names.
type Target struct{ OS, Arch string }

// targets are those of `packaging dist`.
var targets = []Target{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

// Release is a commit on its way to files.
type Release struct {
	root    string // of the sources
	to      string // where the files go
	version string // semantic, without a v
	commit  string // may be ""
	date    time.Time
}

// newRelease checks what it is given. Paths become absolute. Without an epoch the time
// is 1980: that of a file that has none.
func newRelease(root, to, described, commit string, epoch int64) (*Release, error) {
	r := &Release{commit: commit, date: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	if epoch > 0 {
		r.date = time.Unix(epoch, 0).UTC()
	}
	var err error
	if r.root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(r.root, "cmd", "beck")); err != nil {
		return nil, fmt.Errorf("--root: no sources of beck: %w", err)
	}
	if r.to, err = filepath.Abs(to); err != nil {
		return nil, err
	}
	if r.version, err = releaseVersion(described, r.date); err != nil {
		return nil, err
	}
	return r, os.MkdirAll(r.to, 0o755)
}

// build builds the program for a system. Nothing of this machine gets into it: no
// paths, no cgo, no state of git, no variables that choose an instruction set.
func (r *Release) build(t Target, to string) error {
	ldflags := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.commit=%s -X main.date=%s",
		r.version, r.commit, r.date.Format(time.RFC3339))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", to, "./cmd/beck")
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.OS, "GOARCH="+t.Arch,
		"GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	return output(cmd, "")
}

// stage builds the program for a system, and its manual, in a directory:
//
//	beck
//	LICENSES
//	man/beck-store.1 ...
//	completions/beck.bash, _beck, beck.fish
//
// The manual is printed by the same program built for this machine.
func (r *Release) stage(t Target, dir string) error {
	own := filepath.Join(dir, "beck")
	if err := r.build(t, own); err != nil {
		return err
	}
	if err := r.licenses(own, filepath.Join(dir, "LICENSES")); err != nil {
		return err
	}
	if t != hostTarget() {
		own = filepath.Join(dir, ".own")
		defer os.Remove(own)
		if err := r.build(hostTarget(), own); err != nil {
			return err
		}
	}
	if err := r.beck(own, "", "man", filepath.Join(dir, "man")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "completions"), 0o755); err != nil {
		return err
	}
	for shell, file := range map[string]string{"bash": "beck.bash", "zsh": "_beck", "fish": "beck.fish"} {
		if err := r.beck(own, filepath.Join(dir, "completions", file), "completion", shell); err != nil {
			return err
		}
	}
	return nil
}

// beck runs the program. Its pages have the date of the release.
func (r *Release) beck(program, to string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "BECK_") })
	cmd.Env = append(cmd.Env, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.date.Unix()))
	return output(cmd, to)
}

// output runs a command and writes its output to a file, unless that is "".
func output(cmd *exec.Cmd, to string) error {
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, errOut.String())
	}
	if to == "" {
		return nil
	}
	return os.WriteFile(to, out, 0o644)
}
