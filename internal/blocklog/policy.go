package blocklog

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Policy says how much of each partition is kept. Zero is no limit; of several
// limits the strictest wins. The zero Policy keeps everything.
type Policy struct {
	Records uint64        // the last so many records
	Age     time.Duration // records of blocks first seen less than this ago
	Bytes   uint64        // the last records whose contents take no more than this
}

// ParsePolicy reads a policy like "records:1000,age:24h,bytes:10GiB": one limit
// or several, each once and above zero. An age is a [time.ParseDuration] or a
// number of days, "30d"; bytes may have a unit, kB to TB (1000) or KiB to TiB
// (1024). Errors match [ErrPolicy].
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	seen := map[string]bool{}
	for limit := range strings.SplitSeq(text, ",") {
		kind, value, ok := strings.Cut(strings.TrimSpace(limit), ":")
		if !ok {
			return Policy{}, fmt.Errorf("%w: %q in %q: want records:N, age:DURATION or bytes:SIZE", ErrPolicy, limit, text)
		}
		if seen[kind] {
			return Policy{}, fmt.Errorf("%w: %q in %q is there twice", ErrPolicy, kind, text)
		}
		seen[kind] = true
		if err := p.set(kind, value); err != nil {
			return Policy{}, fmt.Errorf("%w: %q: %w", ErrPolicy, limit, err)
		}
	}
	return p, nil
}

func (p *Policy) set(kind, value string) (err error) {
	switch kind {
	case "records":
		p.Records, err = parseCount(value)
	case "age":
		p.Age, err = parseAge(value)
	case "bytes":
		p.Bytes, err = parseSize(value)
	default:
		err = fmt.Errorf("unknown limit %q: there are records, age and bytes", kind)
	}
	return err
}

func parseCount(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	if n == 0 {
		return 0, fmt.Errorf("must be above 0; leave it out for no limit")
	}
	return n, nil
}

func parseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := parseCount(days)
		if err == nil && n > math.MaxInt64/uint64(24*time.Hour) {
			err = fmt.Errorf("%q is too long", text)
		}
		return time.Duration(n) * 24 * time.Hour, err
	}
	age, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration like 90s, 36h or 30d", text)
	}
	if age < time.Millisecond {
		return 0, fmt.Errorf("must be at least 1ms; leave it out for no limit")
	}
	return age, nil
}

// units of bytes, the longer name first where one ends in the other.
var units = []struct {
	name  string
	bytes uint64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

func parseSize(text string) (uint64, error) {
	number, unit := text, uint64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := parseCount(number)
	if err != nil {
		return 0, fmt.Errorf("size %q like 512MiB or 10GB: %w", text, err)
	}
	if n > math.MaxUint64/unit {
		return 0, fmt.Errorf("size %q is too large", text)
	}
	return n * unit, nil
}

// String returns the policy as ParsePolicy reads it; "" if it keeps everything.
func (p Policy) String() string {
	var limits []string
	if p.Records > 0 {
		limits = append(limits, fmt.Sprintf("records:%d", p.Records))
	}
	if p.Age > 0 {
		limits = append(limits, fmt.Sprintf("age:%v", p.Age))
	}
	if p.Bytes > 0 {
		limits = append(limits, fmt.Sprintf("bytes:%s", formatSize(p.Bytes)))
	}
	return strings.Join(limits, ",")
}

func formatSize(n uint64) string {
	for i := 3; i >= 0; i-- {
		if u := units[i]; n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return strconv.FormatUint(n, 10)
}

// Rule gives the topics that a pattern, a [core.Pattern], matches a policy.
type Rule struct {
	Pattern string
	Policy  Policy
}

// ParseRule reads PATTERN=policy, like "logs.*=records:1000" or
// "audit.>=age:30d,bytes:10GiB". Errors match [ErrPolicy].
func ParseRule(text string) (Rule, error) {
	at := strings.LastIndexByte(text, '=') // a topic may have one, a policy has none
	if at < 0 {
		return Rule{}, fmt.Errorf("%w: rule %q: want PATTERN=policy, like logs.*=records:1000", ErrPolicy, text)
	}
	r := Rule{Pattern: text[:at]}
	if err := core.Pattern(r.Pattern).Validate(); err != nil {
		return Rule{}, fmt.Errorf("%w: rule %q: %w", ErrPolicy, text, err)
	}
	var err error
	if r.Policy, err = ParsePolicy(text[at+1:]); err != nil {
		return Rule{}, fmt.Errorf("rule %q: %w", text, err)
	}
	return r, nil
}

// String returns the rule as ParseRule reads it.
func (r Rule) String() string { return r.Pattern + "=" + r.Policy.String() }

// Match says whether the rule is for a topic.
func (r Rule) Match(topic string) bool { return core.Pattern(r.Pattern).Match(topic) }

// Rules are the retention of a store. The first rule that matches a topic
// counts; a topic that none matches is kept whole.
type Rules []Rule

// ParseRules reads rules, in order.
func ParseRules(texts []string) (Rules, error) {
	var rs Rules
	for _, text := range texts {
		r, err := ParseRule(text)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// savedRecords is how many records of saved positions are kept of each consumer
// without a rule for them: several times as many as it takes to read them back,
// even those of a million partitions.
const savedRecords = 8192

// Policy returns the policy of a topic. A rule whose pattern does not name beck's
// own topics is not for them: "*.*=age:1h" is not to make consumers forget where
// they are.
func (rs Rules) Policy(topic string) Policy {
	for _, r := range rs {
		if r.Match(topic) {
			return r.Policy
		}
	}
	if topic == protocol.PositionsTopic {
		return Policy{Records: savedRecords}
	}
	return Policy{}
}
