package core

import (
	"cmp"
	"slices"
)

// Ranges are sequences of a partition, in order and apart.
type Ranges []Range

// Len returns how many sequences they are.
func (rs Ranges) Len() (n uint64) {
	for _, r := range rs {
		n += r.Len()
	}
	return n
}

// Without returns rs without r.
func (rs Ranges) Without(r Range) (rest Ranges) {
	for _, h := range rs {
		if h.First < r.First {
			rest = append(rest, Range{h.First, min(h.End, r.First)})
		}
		if h.End > r.End {
			rest = append(rest, Range{max(h.First, r.End), h.End})
		}
	}
	return rest
}

// Within returns the parts of rs that lie within r.
func (rs Ranges) Within(r Range) (parts Ranges) {
	for _, h := range rs {
		if part := (Range{max(h.First, r.First), min(h.End, r.End)}); part.First < part.End {
			parts = append(parts, part)
		}
	}
	return parts
}

// With returns rs with r added, which lies behind all of them.
func (rs Ranges) With(r Range) Ranges {
	if n := len(rs); n > 0 && rs[n-1].End == r.First {
		rs = slices.Clone(rs)
		rs[n-1].End = r.End
		return rs
	}
	return append(rs, r)
}

// Union returns rs with r added, wherever it lies.
func (rs Ranges) Union(r Range) (all Ranges) {
	rest := rs.Without(r)
	i, _ := slices.BinarySearchFunc(rest, r.First, func(h Range, first uint64) int { return cmp.Compare(h.First, first) })
	for _, h := range slices.Insert(rest, i, r) {
		all = all.With(h)
	}
	return all
}
