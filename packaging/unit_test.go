package main

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// unit is what a unit of systemd says: the values of each key, in turn. Keys have
// names of their own in all of its sections.
type unit map[string][]string

func readUnit(t *testing.T, file string) unit {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u := make(unit)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.ContainsAny(line[:1], "#;[") {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if !found {
			t.Fatalf("%s: %q is no setting", file, line)
		}
		u[key] = append(u[key], value)
	}
	return u
}

// one returns the only value of a key.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s= is there %d times, want once", key, len(u[key]))
	}
	return u[key][0]
}
