package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// What the build says of itself: the version, the commit, and its date in RFC 3339.
// Releases set them with -X; else they are what Go records in the program: the version
// of `go install module@version`, and the commit that was checked out.
var version, commit, date string

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `version prints one line: the version, the commit and its date where they are
known, the version of Go that it was built with, and the system it is for.`,
		Example: "  beck version",
		Args:    cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
			return err
		}),
	}
}

// versionLine is what "beck version" and "beck --version" print.
func versionLine() string {
	words := []string{"beck", versionText(), commitText(), dateText(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

func commitText() string {
	text := cmp.Or(commit, recorded("vcs.revision"))
	return text[:min(len(text), 12)]
}

func dateText() string { return cmp.Or(date, recorded("vcs.time")) }

// recorded returns what Go noted of the build under a key, or "".
func recorded(key string) string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
