package main

import (
	"os"
	"strings"
	"testing"
)

// TestInstallCommands has beck parse the commands of docs/install.md.
func TestInstallCommands(t *testing.T) {
	text, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range lines(string(text)) {
		if !strings.HasPrefix(line, "    ") {
			continue
		}
		line, _, _ = strings.Cut(line, " # ")
		for _, command := range strings.FieldsFunc(line, func(r rune) bool { return r == '|' || r == ';' }) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(command), "sudo "))
			if at := imageWord(words); at >= 0 { // docker run ... beckmesh/beck up
				words = words[at:]
			}
			if len(words) < 2 || words[0] != "beck" && words[0] != image {
				continue
			}
			found++
			call{args: words[1:]}.settings(t)
		}
	}
	if found < 10 {
		t.Errorf("%d commands, want more: has the layout of the text changed?", found)
	}
}

// imageWord returns where in a command line of docker the arguments of beck begin:
// behind the image, or the service of compose. One that builds the image has none.
func imageWord(words []string) int {
	if len(words) < 3 || words[0] != "docker" || words[1] == "build" {
		return -1
	}
	for i, word := range words {
		if i+1 < len(words) && (word == image || word == "beck" && words[1] == "compose") {
			return i
		}
	}
	return -1
}
