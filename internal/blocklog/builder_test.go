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
	if n := testing.AllocsPerRun(5, round); n > 0 {
		t.Errorf("%v allocations for %d records", n, records)
	}
}
