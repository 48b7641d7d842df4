package testdisk

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestDamage changes something each time, in all its ways, and never what it was
// given.
func TestDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	raw := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	was := bytes.Clone(raw)
	ways := map[string]int{}
	for range 1000 {
		damaged, what := Damage(rng, raw)
		if bytes.Equal(damaged, raw) || len(damaged) > len(raw) {
			t.Fatalf("%s: %d bytes of %d", what, len(damaged), len(raw))
		}
		way, _, _ := strings.Cut(what, " ")
		ways[way]++
	}
	if !bytes.Equal(raw, was) {
		t.Error("the bytes that were given are others now")
	}
	if len(ways) != 6 {
		t.Errorf("ways: %v", ways)
	}
	if damaged, what := Damage(rng, nil); len(damaged) != 1 || what != "grown" {
		t.Errorf("an empty file: %d bytes, %s", len(damaged), what)
	}
}
