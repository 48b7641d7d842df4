// Command packaging builds what a release of beck is installed from:
//
//	packaging dist       archives for Linux and macOS on amd64 and arm64, and SHA256SUMS
//	packaging package    a deb and an rpm, for GOARCH or --arch
//	packaging licenses PROGRAM    the license texts of what a program was made from
//
// The bytes are those of the sources alone: the same commit, version and Go make the
// same files on every machine, on which a released file can be checked. It is a module
// of its own, so that the program itself does not depend on what packages it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "packaging:", err)
		}
		os.Exit(1)
	}
}

func run(args []string) error {
	fl := flag.NewFlagSet("packaging", flag.ContinueOnError)
	root := fl.String("root", ".", "`DIR` of the sources")
	to := fl.String("to", "bin/dist", "`DIR` to write to")
	described := fl.String("version", "", "`VERSION` as git describe --tags --always --dirty has it")
	commit := fl.String("commit", "", "`HASH` of the commit")
	epoch := fl.Int64("epoch", 0, "the `SECOND` since 1970 at which that was made: SOURCE_DATE_EPOCH")
	archs := fl.String("arch", runtime.GOARCH, "the `ARCHITECTURES` of packages, with commas")
	if err := fl.Parse(args); err != nil {
		return err
	}
	if fl.Arg(0) == "licenses" && fl.NArg() == 2 {
		r := &Release{root: *root}
		return r.licenses(fl.Arg(1), filepath.Join(*to, "LICENSES"))
	}
	r, err := newRelease(*root, *to, *described, *commit, *epoch)
	if err != nil {
		return err
	}
	switch what := strings.Join(fl.Args(), " "); what {
	case "dist":
		return r.dist()
	case "package":
		return r.packages(strings.Split(*archs, ","))
	default:
		return fmt.Errorf("want \"dist\", \"package\" or \"licenses PROGRAM\", not %q", what)
	}
}
