package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// formats are the kinds of packages.
var formats = []string{"deb", "rpm"}

// packages writes a deb and an rpm for each architecture, under the names that are
// usual for them, and prints where they are.
func (r *Release) packages(archs []string) error {
	for _, arch := range archs {
		stage, err := os.MkdirTemp("", "beck-package-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(stage)
		if err := r.stage(Target{"linux", arch}, stage); err != nil {
			return err
		}
		if err := r.compress(stage); err != nil {
			return err
		}
		for _, format := range formats {
			file, err := r.pack(format, arch, stage)
			if err != nil {
				return fmt.Errorf("%s for %s: %w", format, arch, err)
			}
			fmt.Println(file)
		}
	}
	return nil
}

// compress compresses the manual, as packages have it, and adds the changes.
func (r *Release) compress(stage string) error {
	pages, err := filepath.Glob(filepath.Join(stage, "man", "*"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := errors.Join(compress(page, page+".gz"), os.Remove(page)); err != nil {
			return err
		}
	}
	return compress(r.from("CHANGELOG.md"), filepath.Join(stage, "changelog.gz"))
}

// pack writes one package of what is in the stage, and returns its path.
func (r *Release) pack(format, arch, stage string) (string, error) {
	config, err := r.config(arch, stage)
	if err != nil {
		return "", err
	}
	info, err := config.Get(format)
	if err != nil {
		return "", err
	}
	info = nfpm.WithDefaults(info)
	packager, err := nfpm.Get(format)
	if err != nil {
		return "", err
	}
	file := filepath.Join(r.to, packager.ConventionalFileName(info))
	w, err := os.Create(file)
	if err != nil {
		return "", err
	}
	return file, errors.Join(packager.Package(info, w), w.Close())
}

// config reads packaging/nfpm.yaml. Its paths are relative to the sources, and become
// absolute. All files have the time of the release.
func (r *Release) config(arch, stage string) (nfpm.Config, error) {
	values := map[string]string{"ARCH": arch, "VERSION": r.version, "STAGE": stage}
	value := func(name string) string { return values[name] }
	config, err := nfpm.ParseFileWithEnvMapping(filepath.Join(r.root, "packaging", "nfpm.yaml"), value)
	if err != nil {
		return config, err
	}
	config.MTime = r.date
	scripts := &config.Scripts
	for _, path := range []*string{&scripts.PreInstall, &scripts.PostInstall, &scripts.PreRemove, &scripts.PostRemove} {
		*path = r.from(*path)
	}
	for _, c := range config.Contents {
		c.Source = r.from(os.Expand(c.Source, value))
	}
	return config, nil
}

// from returns the path of a file of the sources.
func (r *Release) from(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.root, path)
}
