package testdisk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Damages returns how many directories a test is to damage: 33 with -short, 1,000
// in full, 300 otherwise.
func Damages(full bool) int {
	switch {
	case testing.Short():
		return 33
	case full:
		return 1000
	}
	return 300
}

// Damage returns the content of a file after something went wrong with it, and
// what did: it is emptied, truncated, zeroed, overwritten, cut or has a bit
// flipped, in a random place. An empty file grows. raw stays as it is.
func Damage(rng *rand.Rand, raw []byte) (damaged []byte, what string) {
	raw = slices.Clone(raw)
	if len(raw) == 0 {
		return []byte("x"), "grown"
	}
	at := rng.IntN(len(raw))
	upTo := func(most int) int { return at + min(len(raw)-at, 1+rng.IntN(most)) }
	switch rng.IntN(8) {
	case 0:
		return nil, "emptied"
	case 1, 2:
		return raw[:at], fmt.Sprint("truncated to ", at)
	case 3:
		to := upTo(4096)
		clear(raw[at:to])
		return raw, fmt.Sprint("zeros from ", at, " to ", to)
	case 4:
		to := upTo(600)
		for i := at; i < to; i++ {
			raw[i] = byte(rng.Uint32())
		}
		return raw, fmt.Sprint("noise from ", at, " to ", to)
	case 5:
		to := upTo(600)
		return slices.Delete(raw, at, to), fmt.Sprint("cut out from ", at, " to ", to)
	}
	raw[at] ^= 1 << rng.IntN(8)
	return raw, fmt.Sprint("bit flipped at ", at)
}
