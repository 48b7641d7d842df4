package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	// tagged is a semantic version, as a tag has it.
	tagged = regexp.MustCompile(`^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$`)
	// beyond is what git describe puts behind a tag: how many commits follow on it, and
	// the hash of the last.
	beyond = regexp.MustCompile(`-(\d+)-g([0-9a-f]+)$`)
	// untagged is what it says where there is no tag: a hash.
	untagged = regexp.MustCompile(`^[0-9a-f]{4,40}$`)
)

// releaseVersion turns it into a semantic version, which packages can be compared by:
//
//	v1.2.0                 1.2.0
//	v1.3.0-rc.1            1.3.0-rc.1
//	v1.2.0-5-g3c04728      1.2.0+5.g3c04728     after 1.2.0
//	3c04728                0.0.0-20261120143000.3c04728
//
// Anything else is an error, because a package would be taken for an older or a newer
// one than it is.
func releaseVersion(text string, date time.Time) (string, error) {
	rest, dirty := strings.CutSuffix(text, "-dirty")
	var build []string
	if m := beyond.FindStringSubmatch(rest); m != nil {
		rest, build = strings.TrimSuffix(rest, m[0]), []string{m[1], "g" + m[2]}
	}
	if dirty {
		build = append(build, "dirty")
	}
	var version string
	if m := tagged.FindStringSubmatch(rest); m != nil {
		version = m[1]
	} else if untagged.MatchString(rest) {
		version = "0.0.0-" + date.UTC().Format("20060102150405") + "." + rest
	} else {
		return "", fmt.Errorf("version %q: want what git describe says, such as v1.2.0", text)
	}
	if len(build) > 0 {
		version += "+" + strings.Join(build, ".")
	}
	return version, nil
}
