package blocklog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What Pebble says of a file by its number alone, the first in the details of an
// error only.
var (
	blamesLog   = regexp.MustCompile(`replaying wal (\d+)`)
	blamesTable = regexp.MustCompile(`file (\d{6,})`)
)

const optionsPrefix = "OPTIONS-"

// blame adds to an error of opening the database which file it is about.
func (l *Log) blame(err error) error {
	fs, dir := l.home.FS, l.home.File(pebbleName)
	names, listErr := fs.List(dir)
	if listErr != nil {
		return err
	}
	slices.Sort(names)
	details := detailsOf(err)
	number := func(pattern *regexp.Regexp) string {
		if m := pattern.FindStringSubmatch(details); m != nil {
			return strings.TrimLeft(m[1], "0")
		}
		return ""
	}
	log, table := number(blamesLog), number(blamesTable)
	for _, name := range names {
		digits, suffix, _ := strings.Cut(strings.TrimLeft(name, "0"), ".")
		switch {
		case digits == log && suffix == "log", log == "" && digits == table && (suffix == "sst" || suffix == "blob"):
			return fmt.Errorf("file %q is damaged: %w", fs.PathJoin(dir, name), err)
		case strings.HasPrefix(name, optionsPrefix) && l.badOptions(dir, fs.PathJoin(dir, name)):
			return fmt.Errorf("file %q is damaged, which holds settings only and can be removed: %w",
				fs.PathJoin(dir, name), err)
		}
	}
	return err
}

// detailsOf returns all that an error and those in it have to say.
func detailsOf(err error) string {
	text := fmt.Sprintf("%+v\n", err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		text += detailsOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			text += detailsOf(inner)
		}
	}
	return text
}

// badOptions says whether a file of Pebble's options is not one that we wrote.
func (l *Log) badOptions(dir, path string) bool {
	raw, err := readFile(l.home.FS, path)
	ours := pebbleOptions(l.opts)
	ours.EnsureDefaults()
	return err == nil && ours.CheckCompatibility(dir, string(raw)) != nil
}
