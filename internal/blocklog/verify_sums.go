package blocklog

import (
	"fmt"
	"maps"
	"slices"
)

// compare compares what was counted of a partition with what is stored about it.
// If blocks could not be counted, only the head is looked at: the rest cannot match.
func (a *auditor) compare(l *ledger) error {
	a.hole(l, l.Next)
	end := max(l.at, a.setAside[l.Partition])
	if end > l.Next || end < l.Next && !l.damaged {
		a.fault(Fault{Kind: FaultState, Partition: l.Partition,
			Err: fmt.Errorf("%w: it is %d, they end at %d", errHead, l.Next, end)})
	}
	if l.damaged || l.stale || !l.known {
		return nil
	}
	if err := a.compareGrains(l); err != nil {
		return err
	}
	a.compareState(l)
	return nil
}

// compareGrains compares the sums of each grain with those of its blocks.
func (a *auditor) compareGrains(l *ledger) error {
	stored := map[uint64]sums{}
	if err := eachGrain(a.log.db, l.Partition, grainOf(l.Tail), grainOf(l.Next), func(k uint64, g sums) error {
		stored[k] = g
		return nil
	}); err != nil {
		return err
	}
	stored[grainOf(l.Next)] = l.open
	all := maps.Clone(stored)
	maps.Copy(all, l.grains)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if counted, said := l.grains[k], stored[k]; !counted.agree(said, k >= wholeGrain(l.Tail)) {
			from, to := max(k*GrainRecords, l.Tail), min(grainEnd(k), l.Next)
			a.fault(Fault{FaultGrain, l.Partition, Range{from, to}, errSums})
		}
	}
	return nil
}

// agree says whether sums are those that were counted. Digests count of grains that
// no tail lies in. The time is only a bound, and bare may be left out by an older
// version.
func (s *sums) agree(said sums, digest bool) bool {
	return s.records == said.records && s.content == said.content && s.bytes == said.bytes &&
		s.blocks == said.blocks && s.newest <= said.newest && (s.digest == said.digest || !digest)
}

// compareState compares the totals of a partition.
func (a *auditor) compareState(l *ledger) {
	var total sums
	digest := uint64(0)
	for k, g := range l.grains {
		total.add(g)
		if k >= wholeGrain(l.Tail) && k < grainOf(l.Next) {
			digest += g.digest
		}
	}
	if l.Records != total.records || l.Content != total.content || l.Bytes != total.bytes ||
		l.Blocks != total.blocks || l.Digest != digest {
		a.fault(Fault{Kind: FaultState, Partition: l.Partition, Err: fmt.Errorf(
			"%w: %d records, %d bytes, digest %x; held are %d, %d, %x",
			errCount, l.Records, l.Content, l.Digest, total.records, total.content, digest)})
	}
}
