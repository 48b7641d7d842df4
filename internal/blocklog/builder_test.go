package blocklog

import "testing"

// A builder that was used before takes records into memory that it has.
func TestBuilderAllocatesNothing(t *testing.T) {
	const records = 50_000 // some 5 MiB: more than a round of a busy store
	content, b := fill(100), NewBuilder(0)
	round := func() {
		for seq := range uint64(records) {
			if err := b.Append(seq, content, nil); err != nil {
				t.Fatal(err)
			}
		}
		b.Reset()
	}
	round()
	// A collection, and the race detector, take chunks out of the pool.
	chunks := float64(records*recordLen(content, nil)/chunkBytes + 1)
	if n := testing.AllocsPerRun(5, round); n > chunks {
		t.Errorf("%v allocations for %d records", n, records)
	}
}
