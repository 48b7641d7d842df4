package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the module's directory as seen from this package.
const root = "../.."

func TestLint(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			return skipDir(rel, entry.Name())
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		files++
		return lintFile(t, name, rel)
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("found no Go file to look at")
	}
}

// skipDir leaves out what the go command ignores, too.
func skipDir(rel, base string) error {
	if rel == "." {
		return nil
	}
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return filepath.SkipDir
	}
	return nil
}

func lintFile(t *testing.T, name, rel string) error {
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := parse(rel, source)
	if err != nil {
		t.Errorf("%s: %v", rel, err)
		return nil
	}
	for _, problem := range f.check() {
		t.Error(problem)
	}
	return nil
}

// TestRulesFire gives each rule a file that breaks it and one that does not.
func TestRulesFire(t *testing.T) {
	const clock = "package core\n\nimport \"time\"\n\nvar now = time.Now\n"
	for _, test := range []struct {
		name, path, source string
		want               string // part of the only problem; "" for none
	}{
		{"clean", "internal/core/a.go", "package core\n\nimport \"time\"\n\nvar d = time.Second\n", ""},
		{"clock", "internal/core/a.go", clock, "time.Now in a pure package"},
		{"clock outside the core", "internal/mesh/a.go", clock, ""},
		{"clock in a test of the core", "internal/core/a_test.go", clock, ""},
		{"renamed clock", "internal/core/a.go",
			"package core\n\nimport x \"time\"\n\nvar now = x.Since\n", "x.Since in a pure package"},
		{"goroutine", "internal/core/a.go",
			"package core\n\nfunc f() { go f() }\n", "go statement"},
		{"channel", "internal/core/a.go", "package core\n\nvar c chan int\n", "channel in a pure"},
		{"receive", "internal/core/a.go",
			"package core\n\nfunc f() { <-c }\n", "channel receive"},
		{"global randomness", "internal/core/a.go",
			"package core\n\nimport \"math/rand/v2\"\n\nvar n = rand.IntN(3)\n", "rand.IntN in a pure"},
		{"seeded randomness", "internal/core/a.go",
			"package core\n\nimport \"math/rand/v2\"\n\nvar r = rand.New(rand.NewPCG(1, 2))\n", ""},
		{"network in the core", "internal/core/a.go",
			"package core\n\nimport _ \"net\"\n", "must not import net"},
		{"lock in the core", "internal/core/a.go",
			"package core\n\nimport _ \"sync\"\n", "must not import sync"},
		{"core may know the bytes", "internal/core/a.go",
			"package core\n\nimport _ \"" + module + "/protocol\"\n", ""},
		{"upward", "internal/zmtp/a.go",
			"package zmtp\n\nimport _ \"" + module + "/internal/mesh\"\n", "imports point down"},
		{"sideways", "store/a.go",
			"package store\n\nimport _ \"" + module + "/tower\"\n", "imports point down"},
		{"root is above the log", "internal/blocklog/a.go",
			"package blocklog\n\nimport _ \"" + module + "\"\n", "must not import ."},
		{"down to the root", "store/a.go",
			"package store\n\nimport _ \"" + module + "\"\n", ""},
		{"unknown package", "surprise/a.go", "package surprise\n", "in no layer"},
		{"handshake library at home", "internal/zmtp/handshake.go",
			"package zmtp\n\nimport _ \"github.com/go-zeromq/zmq4\"\n", ""},
		{"handshake library elsewhere", "internal/zmtp/other.go",
			"package zmtp\n\nimport _ \"github.com/go-zeromq/zmq4\"\n", "used only in internal/zmtp/handshake.go"},
		{"database elsewhere", "store/a.go",
			"package store\n\nimport _ \"github.com/cockroachdb/pebble/v2\"\n", "used only in internal/blocklog/"},
		{"test library", "store/a.go",
			"package store\n\nimport _ \"go.uber.org/goleak\"\n", "used only in tests"},
		{"unformatted", "tower/a.go", "package tower\nvar  x int\n", "gofmt"},
		{"long", "tower/a.go", "package tower\n" + strings.Repeat("\n// x\n", maxLines/2), "split it"},
		{"long test", "tower/a_test.go", "package tower\n" + strings.Repeat("\n// x\n", maxLines/2), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := parse(test.path, []byte(test.source))
			if err != nil {
				t.Fatal(err)
			}
			got := f.check()
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("unexpected: %q", got)
			case test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)):
				t.Errorf("got %q, want one with %q", got, test.want)
			}
		})
	}
}
