//go:build unix

package chaos

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// take takes one line that a node reports.
func (c *cluster) take(n *node, words []string) error {
	if len(words) == 0 {
		return errors.New("empty line")
	}
	l, w := c.ledger, fields{words: words[1:]}
	switch words[0] {
	case "hello":
		c.hello(n.name, w.text())
	case "next":
		l.next(n.name, w.text(), w.number())
	case "ack":
		l.acked(n.name, w.text(), w.number(), w.number())
	case "published":
		l.all(n.name, w.text(), w.number())
	case "done":
		l.finished(n.name)
	case "got":
		l.got(n.name, run{place{w.text(), w.text()}, int(w.number()), w.number(), w.number()})
	case "bad":
		l.wrong(wrongValue, 1, "%s: %s", n.name, strings.Join(words[1:], " "))
	case "gap":
		l.gap(n.name, w.text(), strings.Join(words[1:], " "))
	case "again":
		l.again(w.text())
	case "began":
		l.began(n.name, int(w.number()))
	case "asked":
		l.asked(n.name)
	case "saved":
		l.saved(n.name, place{w.text(), w.text()}, w.number())
	case "digest":
		l.digest(n.name, place{w.text(), w.text()}, w.text())
	case "end":
		l.replayed(n.name)
	case "head":
		l.head(w.text(), place{w.text(), w.text()}, span{w.number(), w.number()})
	case "listed":
		l.listed(w.text())
	case "vitals":
		c.vitals.child(n, float64(w.number()), float64(w.number()))
	case "ready": // a tower, or a store, which says its address
		if address, is := strings.CutPrefix(w.text(), "address="); is {
			l.ready(n.name, address)
		}
	default:
		return errors.New("unknown report")
	}
	return w.err
}

// hello takes the address of a child that has started.
func (c *cluster) hello(node, address string) {
	switch roleOf(node) {
	case "producer":
		c.ledger.hello(node, address, c.index(node))
	case "consumer", "replay":
		c.ledger.reads(node)
	}
}

func (c *cluster) index(node string) (i int) {
	_, _ = fmt.Sscan(node[len(roleOf(node)):], &i) // none is 0
	return i
}

// fields are the words of a report, one after the other.
type fields struct {
	words []string
	err   error
}

func (f *fields) text() string {
	if len(f.words) == 0 {
		f.err = errors.New("too few words")
		return ""
	}
	word := f.words[0]
	f.words = f.words[1:]
	return word
}

func (f *fields) number() uint64 {
	n, err := strconv.ParseUint(f.text(), 10, 64)
	if err != nil && f.err == nil {
		f.err = err
	}
	return n
}
