package core

// Sum sums up what a store holds of a range: how many records, and a digest of
// their contents. Sums of adjoining ranges add up.
type Sum struct{ Records, Digest uint64 }

// Finding is what two stores' sums of one range say about their contents.
type Finding int

// What a comparison finds.
const (
	Same    Finding = iota // they hold the same
	Narrow                 // they differ somewhere in it: compare its parts
	Lacking                // one lacks records that the other has
	Differ                 // both hold as many records, of different contents
)

// CompareSums says what ours and theirs, the sums of r, mean. Ranges are compared
// in grains of so many sequences: within one there are no smaller sums to ask
// for.
func CompareSums(r Range, grain uint64, ours, theirs Sum) Finding {
	switch {
	case ours == theirs:
		return Same
	case r.Len() > grain:
		return Narrow
	case ours.Records != theirs.Records:
		return Lacking
	}
	return Differ
}

// Parts divides r, of whole grains, into at most n parts of whole grains, all of
// the same length but for the last one.
func (r Range) Parts(n, grain uint64) (parts []Range) {
	grains := r.Len() / grain
	step := max((grains+n-1)/n, 1) * grain
	for at := r.First; at < r.End; at += step {
		parts = append(parts, Range{at, min(at+step, r.End)})
	}
	return parts
}
