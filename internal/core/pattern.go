package core

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beckmesh/beck/protocol"
)

// MaxPattern is the length limit of a pattern in bytes: it may stand where a
// topic's name does.
const MaxPattern = 255

// Pattern names topics. Its levels are separated by dots, as a topic's are: the
// level * stands for any one level, > at the end for one or more, everything else
// for itself. A backslash before *, > or another backslash takes its meaning
// from it, so that each topic has a pattern that names it alone: see
// [LiteralPattern]. Before anything else a backslash is a backslash. Beck's own
// topics are named only by patterns that begin as they do.
type Pattern string

// LiteralPattern returns the pattern that names one topic, whatever is in it.
func LiteralPattern(topic string) Pattern {
	if !strings.ContainsAny(topic, `*>\`) {
		return Pattern(topic)
	}
	return Pattern(literally.Replace(topic))
}

var (
	literally = strings.NewReplacer(`*`, `\*`, `>`, `\>`, `\`, `\\`)
	plainly   = strings.NewReplacer(`\*`, `*`, `\>`, `>`, `\\`, `\`)
	nothing   = strings.NewReplacer(`\*`, ``, `\>`, ``, `\\`, ``)
)

// Validate returns nil, or what is wrong with the pattern, in words.
func (p Pattern) Validate() error {
	if p == "" {
		return errors.New("the pattern is empty")
	}
	if strings.IndexByte(string(p), 0) >= 0 {
		return errors.New("the pattern has a NUL byte")
	}
	levels := strings.Split(string(p), ".")
	for i, level := range levels {
		switch {
		case level == ">" && i < len(levels)-1:
			return fmt.Errorf("%q stands for the rest and must be the last level", level)
		case len(level) > 1 && strings.ContainsAny(nothing.Replace(level), "*>"):
			return fmt.Errorf(`level %q: * and > stand for whole levels, between dots; \* and \> for themselves`, level)
		}
	}
	if topic, exact := p.Topic(); exact && len(topic) > MaxPattern || !exact && len(p) > MaxPattern {
		return fmt.Errorf("the pattern is longer than %d bytes", MaxPattern)
	}
	return nil
}

// Topic returns the topic that the pattern names, if that is one alone.
func (p Pattern) Topic() (topic string, exact bool) {
	if len(p.Prefix()) < len(plain(string(p))) {
		return "", false
	}
	return plain(string(p)), true
}

// Prefix returns the longest text that all topics of the pattern begin with.
func (p Pattern) Prefix() string {
	for at, rest := 0, string(p); ; {
		level, after, more := strings.Cut(rest, ".")
		if level == "*" || level == ">" {
			return plain(string(p[:at]))
		}
		if !more {
			return plain(string(p))
		}
		at, rest = at+len(level)+1, after
	}
}

// Match reports whether the pattern names a topic.
func (p Pattern) Match(topic string) bool {
	if strings.HasPrefix(topic, protocol.ReservedTopics) && !strings.HasPrefix(string(p), protocol.ReservedTopics) {
		return false
	}
	for pattern := string(p); ; {
		want, patternRest, patternMore := strings.Cut(pattern, ".")
		have, topicRest, topicMore := strings.Cut(topic, ".")
		switch {
		case want == ">":
			return true
		case want != "*" && plain(want) != have:
			return false
		case patternMore != topicMore:
			return false
		case !patternMore:
			return true
		}
		pattern, topic = patternRest, topicRest
	}
}

// plain takes the backslashes off what stands for itself.
func plain(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	return plainly.Replace(text)
}
