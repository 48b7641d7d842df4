package testproc

import (
	"fmt"
	"os"
	"os/exec"
)

// Build makes the program beck as it is shipped, without cgo, at the path to.
// flags are further ones of `go build`, such as -tags.
func Build(to string, flags ...string) error {
	args := append([]string{"build"}, flags...)
	cmd := exec.Command("go", append(args, "-o", to, "github.com/beckmesh/beck/cmd/beck")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build beck: %w\n%s", err, out)
	}
	return nil
}
