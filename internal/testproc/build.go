package testproc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// NoHTTP is the environment in which daemons serve no HTTP unless their flags say
// so: those of tests that run at the same time would want the same ports.
var NoHTTP = []string{"BECK_TOWER_HTTP=off", "BECK_STORE_HTTP=off", "BECK_UP_HTTP=off"}

// Program is what tests run of, for goleak.VerifyTestMain: it makes the program beck
// as it is shipped, without cgo, has the tests run, and removes it.
type Program struct {
	Tests interface{ Run() int } // usually a *testing.M
	Path  *string                // is set to the program's path before they run
	Flags []string               // further ones of `go build`, such as -tags
}

// Run returns the exit code of the tests, 1 if the program cannot be made, which it
// says on standard error.
func (p Program) Run() int {
	for _, name := range NoHTTP {
		key, value, _ := strings.Cut(name, "=")
		_ = os.Setenv(key, value) // the name is a good one
	}
	dir, err := os.MkdirTemp("", "beck-program-")
	if err == nil {
		defer os.RemoveAll(dir)
		*p.Path = filepath.Join(dir, "beck")
		err = build(*p.Path, p.Flags)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "program to test:", err)
		return 1
	}
	return p.Tests.Run()
}

func build(to string, flags []string) error {
	args := append([]string{"build"}, flags...)
	cmd := exec.Command("go", append(args, "-o", to, "github.com/beckmesh/beck/cmd/beck")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build beck: %w\n%s", err, out)
	}
	return nil
}
