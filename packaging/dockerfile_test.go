package main

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const dockerfile = "../deploy/docker/Dockerfile"

// instruction is one of a Dockerfile: its word, and what stands behind it.
type instruction struct{ word, rest string }

// instructions reads the Dockerfile.
func instructions(t *testing.T) (all []instruction) {
	t.Helper()
	data, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(string(data), "")
	for _, line := range lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" {
			word, rest, _ := strings.Cut(line, " ")
			all = append(all, instruction{word, strings.TrimSpace(rest)})
		}
	}
	return all
}

// those returns what stands behind a word, in turn.
func those(all []instruction, word string) (rests []string) {
	for _, i := range all {
		if i.word == word {
			rests = append(rests, i.rest)
		}
	}
	return rests
}

// imageEnvironment is what every container of the image has.
func imageEnvironment(t *testing.T) (env []string) {
	t.Helper()
	for _, rest := range those(instructions(t), "ENV") {
		env = append(env, strings.Fields(rest)...)
	}
	return env
}

// TestImage: the image has one program, no user but a number, and starts beck.
func TestImage(t *testing.T) {
	all := instructions(t)
	known := strings.Fields("FROM WORKDIR COPY RUN ARG LABEL USER ENV VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD")
	for _, i := range all {
		if !slices.Contains(known, i.word) || i.rest == "" {
			t.Errorf("%s %s: no instruction that is known here", i.word, i.rest)
		}
	}
	from := those(all, "FROM")
	if last := from[len(from)-1]; last != "scratch" {
		t.Errorf("the image is from %s, want scratch", last)
	}
	if users := those(all, "USER"); len(users) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(users[0]) {
		t.Errorf("USER is %q, want a number, by which Kubernetes sees that it is not root", users)
	}
	if signals := those(all, "STOPSIGNAL"); !slices.Equal(signals, []string{"SIGTERM"}) {
		t.Errorf("STOPSIGNAL is %q, want the one that beck ends by", signals)
	}
	_, health, _ := strings.Cut(those(all, "HEALTHCHECK")[0], "CMD ")
	for what, words := range map[string]string{"ENTRYPOINT": those(all, "ENTRYPOINT")[0], "HEALTHCHECK": health} {
		var command []string
		if err := json.Unmarshal([]byte(words), &command); err != nil || command[0] != "/usr/bin/beck" {
			t.Errorf("%s is %s, want a list that begins with the program: there is no shell", what, words)
		}
		if len(command) > 1 {
			call{args: command[1:], env: imageEnvironment(t)}.check(t)
		}
	}
}

// TestImageBuild runs what the Dockerfile runs, on what .dockerignore lets through.
func TestImageBuild(t *testing.T) {
	source, top := t.TempDir(), t.TempDir()
	copyContext(t, source)
	arguments := []string{"TARGETOS=linux", "TARGETARCH=" + runtime.GOARCH, "VERSION=v1.2.3", "COMMIT=0123456789abcdef", "DATE=2026-11-20T12:00:00Z"}
	for _, name := range those(instructions(t), "ARG") {
		name, _, _ = strings.Cut(name, "=")
		if !slices.ContainsFunc(arguments, func(a string) bool { return strings.HasPrefix(a, name+"=") }) {
			t.Errorf("ARG %s is not tried here", name)
		}
	}
	inTop := regexp.MustCompile(`(^|\s)/(out|own)\b`)
	for _, line := range those(instructions(t), "RUN") {
		cmd := exec.Command("/bin/sh", "-c", inTop.ReplaceAllString(line, "$1"+top+"/$2"))
		cmd.Dir = source
		cmd.Env = append(os.Environ(), arguments...)
		if strings.Contains(line, "/etc/ssl/certs/ca-certificates.crt") { // of the image with Go
			if _, err := os.Stat("/etc/ssl/certs/ca-certificates.crt"); err != nil {
				t.Log("there are no certificates here: what copies them is not tried")
				continue
			}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v: %s", line, err, out)
		}
	}
	program, err := elf.Open(filepath.Join(top, "out/usr/bin/beck"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program wants a dynamic linker, which the image does not have")
		}
	}
	for _, name := range []string{"LICENSE", "github.com/cockroachdb/pebble/v2/LICENSE"} {
		if _, err := os.Stat(filepath.Join(top, "out/usr/share/licenses/beck", name)); err != nil {
			t.Error(err)
		}
	}
	for _, dir := range []string{"own/var/lib/beck", "own/etc/beck/http"} {
		if info, err := os.Stat(filepath.Join(top, dir)); err != nil || !info.IsDir() {
			t.Errorf("there is no directory %s: %v", dir, err)
		}
	}
	if runtime.GOOS != "linux" {
		return // the image is for Linux
	}
	said, err := exec.Command(filepath.Join(top, "out/usr/bin/beck"), "version").Output()
	if want := "beck v1.2.3 0123456789ab 2026-11-20T12:00:00Z "; err != nil || !strings.HasPrefix(string(said), want) {
		t.Errorf("beck version says %q, %v, want %q", said, err, want)
	}
}

// copyContext copies what Docker would be sent of the sources.
func copyContext(t *testing.T, to string) {
	t.Helper()
	f, err := os.Open("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", path)
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin"}, name) {
			return filepath.SkipDir
		}
		if drop, err := ignored.MatchesOrParentMatches(name); err != nil || drop || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{".git", "deploy", "docs", "bench", "packaging", "bin"} {
		if _, err := os.Stat(filepath.Join(to, unwanted)); err == nil {
			t.Errorf("Docker would be sent %s", unwanted)
		}
	}
}
