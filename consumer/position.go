package consumer

import (
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// StartPosition says where a consumer begins in each partition: [Latest],
// [Earliest], or what [AtOffset], [AtTime] and [Last] return. The zero value is
// Latest.
type StartPosition struct {
	kind core.StartKind
	n    uint64
}

var (
	// Latest begins behind the last record there is when the consumer becomes
	// ready, and gets all that is published from then on.
	Latest = StartPosition{}
	// Earliest begins with the oldest record that is kept.
	Earliest = StartPosition{kind: core.StartEarliest}
)

// AtOffset begins with the record of an offset in each partition. What is no
// longer kept of it is reported as a gap; where a partition has not come that far,
// what comes before the offset is left out.
func AtOffset(offset uint64) StartPosition {
	return StartPosition{core.StartOffset, offset}
}

// Last begins with the last n records that a partition has when the consumer
// becomes ready. Last(0) is Latest.
func Last(n uint64) StartPosition {
	if n == 0 {
		return Latest
	}
	return StartPosition{core.StartLast, n}
}

// AtTime begins with the first record of each partition whose [beck.Record.Time]
// is t or later, to the millisecond. Where to look for it stores say, by when they
// first saw records; so what a producer whose clock is ahead of theirs wrote just
// after t may be left out. Where no store has a partition, it is looked for in all
// that the producer keeps. Records without a time count as those that stores saw
// at t or later.
func AtTime(t time.Time) StartPosition {
	return StartPosition{core.StartTime, millis(t)}
}

// millis returns a time in ms since 1970, at least 1.
func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 1)) }

// start returns the position as an intake takes it.
func (s StartPosition) start() core.Start {
	if s == Latest {
		return core.Start{Kind: core.StartLatest}
	}
	return core.Start{Kind: s.kind, N: s.n}
}

// Literal returns the pattern that names one topic alone, whatever its name has in
// it: * and > in it stand for themselves. It is for names of topics that the
// application did not make up; see [Config.Topics].
func Literal(topic string) string { return string(core.LiteralPattern(topic)) }

// want returns what one of Config.Topics asks for. The positions a consumer reads
// itself where it keeps its own there.
func (c Config) want(topic string) (core.Want, error) {
	p := core.Pattern(topic)
	if err := p.Validate(); err != nil {
		if topic == "" || protocol.ValidTopic(topic) != nil {
			return core.Want{}, fmt.Errorf("topic %q: %w: %w", topic, beck.ErrTopic, err)
		}
		return core.Want{}, fmt.Errorf("topic %q: %w: %w", topic, beck.ErrPattern, err)
	}
	w := core.WantOf(p)
	if w.Match(protocol.PositionsTopic) && c.SaveAs != "" && c.PositionsFile == "" {
		return core.Want{}, fmt.Errorf("topic %q: %w: a consumer that saves its positions in %q cannot be given them", topic, beck.ErrTopic, protocol.PositionsTopic)
	}
	return w, nil
}

// wants returns what topics ask for, each once, in their order.
func (c Config) wants(topics []string) (wants []core.Want, err error) {
	seen := make(map[core.Want]bool)
	for _, t := range topics {
		w, err := c.want(t)
		if err != nil {
			return nil, err
		}
		if !seen[w] {
			seen[w] = true
			wants = append(wants, w)
		}
	}
	return wants, nil
}

// text returns what asks for w.
func text(w core.Want) string {
	if w.Pattern {
		return w.Name
	}
	return Literal(w.Name)
}
