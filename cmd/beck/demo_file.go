package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	demoMostBytes  = 32 << 20               // larger files make the demo long
	demoFewBytes   = 256 << 10              // smaller ones make it pointless
	demoSearchTime = 700 * time.Millisecond // for looking through directories
	demoSniff      = 8 << 10                // how much of a file tells whether it is text
)

// demoFile returns the path of a text file of this machine to stream, and
// whether it was made in dir for want of one.
func demoFile(dir string) (name string, made bool, err error) {
	deadline := time.Now().Add(demoSearchTime)
	for _, place := range []string{"/usr/share/dict", goSources(), "/usr/share", "/usr/lib", "/usr/include"} {
		if name := largestText(place, deadline); name != "" {
			return name, false, nil
		}
	}
	name, err = hexOfSelf(dir)
	return name, true, err
}

// goSources returns the directory of Go's own sources, or "".
func goSources() string {
	gobin, err := exec.LookPath("go")
	if err == nil {
		gobin, err = filepath.EvalSymlinks(gobin)
	}
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(filepath.Dir(gobin)), "src")
}

// largestText returns the largest text file below dir of a size fit for the
// demo that it came across before the deadline, or "".
func largestText(dir string, deadline time.Time) string {
	var best string
	size := int64(demoFewBytes)
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if time.Now().After(deadline) {
			return fs.SkipAll
		}
		if err != nil || !entry.Type().IsRegular() {
			return nil // what cannot be read is passed over
		}
		info, err := entry.Info()
		if err == nil && info.Size() > size && info.Size() <= demoMostBytes && isText(name) {
			best, size = name, info.Size()
		}
		return nil
	})
	return best
}

// isText looks at the beginning: readable, no NUL, and lines of usual length.
func isText(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, demoSniff)
	n, err := io.ReadFull(f, head)
	if err != nil {
		return false
	}
	head = head[:n]
	return bytes.IndexByte(head, 0) < 0 && bytes.Count(head, []byte("\n")) >= demoSniff/256
}

// hexOfSelf writes this program in hexadecimal, 32 bytes a line.
func hexOfSelf(dir string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "program.hex")
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	for len(program) > 0 {
		n := min(32, len(program))
		fmt.Fprintln(w, hex.EncodeToString(program[:n]))
		program = program[n:]
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return name, f.Close()
}
