package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNotice: NOTICE lists every module that the program is linked with on this system.
func TestNotice(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); strings.HasPrefix(line, "  ") && len(words) > 0 {
			listed = append(listed, words[0])
		}
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/beck")
	list.Dir, list.Env = root, append(os.Environ(), "CGO_ENABLED=0") // as it is shipped
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	slices.Sort(linked)
	for _, module := range slices.Compact(linked) {
		if module != "github.com/beckmesh/beck" && !slices.Contains(listed, module) {
			t.Errorf("NOTICE does not list %s", module)
		}
	}
}
