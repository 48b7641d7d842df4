package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// content is a file of a package, as both configurations write it.
type content struct{ Src, Dst, Type, Packager string }

// packageConfig is what both configurations of packages have.
type packageConfig struct {
	Description, Maintainer, License string
	Contents                         []content
	Scripts, Deb, RPM                map[string]string
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// template is what goreleaser puts values in for.
var template = regexp.MustCompile(`{{[^}]*}}`)

// TestGoreleaser: goreleaser builds for the same systems, with the same flags, and packs
// the same files as this program.
func TestGoreleaser(t *testing.T) {
	var theirs struct {
		Builds []struct {
			Goos, Goarch, Flags, Ldflags, Env []string
		}
		Nfpms []packageConfig
	}
	var ours packageConfig
	readYAML(t, "../.goreleaser.yaml", &theirs)
	readYAML(t, "nfpm.yaml", &ours)

	build := theirs.Builds[0]
	var built []Target
	for _, system := range build.Goos {
		for _, arch := range build.Goarch {
			built = append(built, Target{system, arch})
		}
	}
	if !slices.Equal(built, targets) {
		t.Errorf("goreleaser builds for %v, want %v", built, targets)
	}
	source, err := os.ReadFile("release.go")
	if err != nil {
		t.Fatal(err)
	}
	ldflags := template.ReplaceAllString(build.Ldflags[0], "") // what the version is, each knows
	for _, flag := range append(strings.Fields(ldflags), append(build.Flags, build.Env...)...) {
		if !strings.Contains(string(source), flag) {
			t.Errorf("goreleaser builds with %s, and this program does not", flag)
		}
	}

	packed := theirs.Nfpms[0]
	for i, c := range packed.Contents {
		packed.Contents[i].Src = strings.NewReplacer("bin/release/man-gz", "${STAGE}/man", "bin/release", "${STAGE}").Replace(c.Src)
	}
	program := content{Src: "${STAGE}/beck", Dst: "/usr/bin/beck"} // which goreleaser adds by itself
	if all := append([]content{program}, packed.Contents...); !slices.Equal(all, ours.Contents) {
		t.Errorf("goreleaser packs\n%v\nand this program\n%v", all, ours.Contents)
	}
	if packed.Description != ours.Description || packed.Maintainer != ours.Maintainer || packed.License != ours.License {
		t.Error("goreleaser's packages say something else of themselves")
	}
	for _, pair := range [][2]map[string]string{{packed.Scripts, ours.Scripts}, {packed.Deb, ours.Deb}, {packed.RPM, ours.RPM}} {
		for key, value := range pair[1] {
			if pair[0][key] != value {
				t.Errorf("goreleaser has %s: %s, want %s", key, pair[0][key], value)
			}
		}
	}
}
