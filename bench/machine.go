package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine describes where and when something was measured.
func machine(dir string) string {
	if dir == "" {
		dir = os.TempDir()
	}
	parts := []string{fmt.Sprintf("%s, %d processors", processor(), runtime.NumCPU())}
	if memory := procLine("/proc/meminfo", "MemTotal"); memory != "" {
		var kb float64
		if _, err := fmt.Sscanf(memory, "%f", &kb); err == nil {
			parts = append(parts, fmt.Sprintf("%.0f GiB of memory", kb/(1<<20)))
		}
	}
	parts = append(parts, kernel(), runtime.Version())
	if kind := strings.TrimSpace(output("stat", "-f", "-c", "%T", dir)); kind != "" {
		parts = append(parts, "data on "+kind)
	}
	if commit := strings.TrimSpace(output("git", "rev-parse", "--short", "HEAD")); commit != "" {
		parts = append(parts, "commit "+commit)
	}
	return time.Now().UTC().Format("2006-01-02") + ": " + strings.Join(parts, ", ") + ".\n"
}

// kernel names the system and its version, without what a distribution adds.
func kernel() string {
	words := strings.Fields(output("uname", "-sr"))
	if len(words) != 2 {
		return runtime.GOOS
	}
	release, _, _ := strings.Cut(words[1], "-")
	return words[0] + " " + release
}

func processor() string {
	if name := procLine("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return runtime.GOARCH
}

// procLine returns what stands behind a name in a file of /proc.
func procLine(file, name string) string {
	text, _ := os.ReadFile(file) // elsewhere than on Linux there is none
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// output returns what a program prints, or "" if it cannot.
func output(name string, args ...string) string {
	text, _ := exec.Command(name, args...).Output() // what is not known is left out
	return string(text)
}
