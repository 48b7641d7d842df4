package planted_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/beckmesh/beck/internal/planted"
)

// TestShipped looks for the names of the defects in the program as it is built
// for users. With the tag "planted" they are there: so the test can fail.
func TestShipped(t *testing.T) {
	program := filepath.Join(t.TempDir(), "beck")
	build := exec.Command("go", append(append([]string{"build", "-trimpath"}, tags...), "-o", program, "../../cmd/beck")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	code, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range planted.All {
		if bytes.Contains(code, []byte(b)) != (tags != nil) {
			t.Errorf("%s: in the program built with %q: %v", b, tags, tags == nil)
		}
	}
}
