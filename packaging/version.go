package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// described matches what git describe says: a tag, behind it how many commits follow on
// it and the last one's hash, and whether files differ from that.
var described = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)(-[0-9A-Za-z.-]+?)?(?:-(\d+)-g([0-9a-f]+))?(-dirty)?$`)

// untagged matches what it says where there is no tag.
var untagged = regexp.MustCompile(`^([0-9a-f]{4,40})(-dirty)?$`)

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
	var version, more string
	if m := described.FindStringSubmatch(text); m != nil {
		version = m[1] + m[2]
		if m[3] != "" {
			more = m[3] + ".g" + m[4]
		}
		more = strings.Trim(more+strings.ReplaceAll(m[5], "-", "."), ".")
	} else if m := untagged.FindStringSubmatch(text); m != nil {
		version = "0.0.0-" + date.UTC().Format("20060102150405") + "." + m[1]
		more = strings.TrimPrefix(m[2], "-")
	} else {
		return "", fmt.Errorf("version %q: want what git describe says, such as v1.2.0", text)
	}
	if more != "" {
		version += "+" + more
	}
	return version, nil
}
