package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenseFile matches the files in which modules have their terms.
var licenseFile = regexp.MustCompile(`(?i)^((un)?licen[sc]e|copying|notice|patents)([.-].*)?$`)

// licenses writes one file with the license texts of all modules that a program was
// made from, in the order of their names: their terms want them to come along with the
// program. A module without a license is an error. The installation of Go is not asked for
// its own, which distributions put elsewhere, and which is that of a module.
func (r *Release) licenses(program, to string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "beck is made from what follows, under these terms, and from the library of Go,")
	fmt.Fprintln(&b, "whose terms are those of golang.org/x/sys.")
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		out, err := r.goOutput("mod", "download", "-json", dep.Path+"@"+dep.Version)
		if err != nil {
			return err
		}
		var module struct{ Dir string }
		if err := json.Unmarshal(out, &module); err != nil {
			return err
		}
		if err := addLicenses(&b, dep.Path+" "+dep.Version, module.Dir); err != nil {
			return err
		}
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}

// goOutput runs the go command in the sources.
func (r *Release) goOutput(args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = r.root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

func addLicenses(b *bytes.Buffer, name, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.IsDir() || !licenseFile.MatchString(e.Name()) })
	if len(entries) == 0 {
		return fmt.Errorf("%s has no license in %s", name, dir)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 80), name, e.Name(), bytes.TrimSpace(text))
	}
	return nil
}
