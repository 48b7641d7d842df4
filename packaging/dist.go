package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

func hostTarget() Target { return Target{runtime.GOOS, runtime.GOARCH} }

// documents are what every archive has besides the program, and linuxDocuments what
// those for Linux have: names in the sources.
var (
	documents      = []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"}
	linuxDocuments = []string{"packaging/beck.yaml", "deploy/systemd/beck-tower.service", "deploy/systemd/beck-store.service", "deploy/systemd/beck.sysusers"}
)

// dist writes an archive for each target, and their checksums.
func (r *Release) dist() error {
	var files []string
	for _, t := range targets {
		file, err := r.archive(t)
		if err != nil {
			return fmt.Errorf("archive for %s/%s: %w", t.OS, t.Arch, err)
		}
		files = append(files, file)
	}
	return r.sums(files)
}

// archive writes beck_VERSION_OS_ARCH.tar.gz, in which everything is below a directory
// of that name, and returns its path.
func (r *Release) archive(t Target) (string, error) {
	stage, err := os.MkdirTemp("", "beck-dist-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(stage)
	if err := r.stage(t, stage); err != nil {
		return "", err
	}
	name := fmt.Sprintf("beck_%s_%s_%s", r.version, t.OS, t.Arch)
	a := newArchive(name, r.date)
	if err := a.addTree(stage); err != nil {
		return "", err
	}
	docs := documents
	if t.OS == "linux" {
		docs = append(docs[:len(docs):len(docs)], linuxDocuments...)
	}
	for _, doc := range docs {
		if err := a.add(filepath.Base(doc), filepath.Join(r.root, doc)); err != nil {
			return "", err
		}
	}
	file := filepath.Join(r.to, name+".tar.gz")
	return file, a.write(file)
}

// sums writes SHA256SUMS, for sha256sum -c.
func (r *Release) sums(files []string) error {
	var b strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), filepath.Base(file))
	}
	return os.WriteFile(filepath.Join(r.to, "SHA256SUMS"), []byte(b.String()), 0o644)
}
