package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// asker is an inquiry with a clock.
type asker struct {
	*Inquiry
	now time.Time
}

func newAsker() *asker {
	round := func(string) protocol.Query { return protocol.Query{Want: protocol.WantPartitions, Most: 10} }
	return &asker{NewInquiry(InquiryConfig{}, round), time.Unix(1000, 0)}
}

// after lets time pass, stopping wherever something is due.
func (a *asker) after(d time.Duration) {
	for end := a.now.Add(d); ; {
		at := a.NextWake()
		if at.IsZero() || at.After(end) {
			a.now = end
			return
		}
		a.now = at
		a.Tick(a.now)
	}
}

// asked returns the questions since the last call: "A" is a query, "A>t" one for
// the page behind topic t, "A?" a GET-HEADS.
func (a *asker) asked() string {
	var out []string
	for _, q := range a.Take() {
		switch {
		case q.Heads:
			out = append(out, q.ID+"?")
		case q.Query.After.Topic != "":
			out = append(out, q.ID+">"+q.Query.After.Topic)
		default:
			out = append(out, q.ID)
		}
	}
	return strings.Join(out, " ")
}

func (a *asker) expect(t *testing.T, step, asked string, done bool, silent ...string) {
	t.Helper()
	if got := a.asked(); got != asked || a.Done() != done || !slices.Equal(a.Silent(), silent) {
		t.Errorf("%s: asked %q, done %v, silent %v; want %q, %v, %v", step, got, a.Done(), a.Silent(), asked, done, silent)
	}
}

// page gives the answer to the page behind a topic.
func (a *asker) page(id, after string, last string) string {
	r := &protocol.Report{Query: protocol.Query{Want: protocol.WantPartitions, Most: 10}}
	r.Query.After.Topic = after
	if last != "" {
		r.More, r.Partitions = true, []protocol.PartitionStatus{{Topic: last}}
	}
	fresh, end := a.Page(id, r, a.now)
	return fmt.Sprint(fresh, " ", end)
}

func TestInquiryPages(t *testing.T) {
	a := newAsker()
	a.expect(t, "nobody", "", true)
	a.Meet("A", a.now)
	a.Meet("B", a.now)
	a.expect(t, "met", "", false)
	a.Reach("A", AskQuery, a.now)
	a.Reach("A", AskQuery, a.now)
	a.expect(t, "reached", "A", false)
	if got := a.page("A", "x", "y"); got != "false false" {
		t.Errorf("another page: %s", got)
	}
	if got := a.page("A", "", "m"); got != "true false" {
		t.Errorf("first page: %s", got)
	}
	a.expect(t, "first page", "A>m", false)
	if got := a.page("A", "", "m"); got != "false false" {
		t.Errorf("first page again: %s", got)
	}
	a.after(1100 * time.Millisecond)
	a.expect(t, "no answer", "A>m", false)
	if got := a.page("A", "m", ""); got != "true true" || !a.Answered("A") {
		t.Errorf("last page: %s", got)
	}
	if got := a.page("A", "m", ""); got != "false false" {
		t.Errorf("last page again: %s", got)
	}
	a.Reach("B", AskQuery, a.now)
	a.page("B", "", "")
	a.expect(t, "both", "B", true)
	a.Begin(a.now)
	a.expect(t, "second round", "A B", false)
}

func TestInquirySilence(t *testing.T) {
	a := newAsker()
	a.Meet("A", a.now)
	a.Meet("B", a.now)
	a.Reach("A", AskQuery, a.now)
	a.after(4900 * time.Millisecond)
	a.expect(t, "before", "A A A A A", false)
	a.after(200 * time.Millisecond)
	a.expect(t, "given up", "A", true, "A", "B")
	a.after(2 * time.Second)
	a.expect(t, "still asked", "A A", true, "A", "B")
	a.page("A", "", "")
	a.expect(t, "answered after all", "", true, "B")
	a.Reach("B", AskQuery, a.now)
	a.expect(t, "reached late", "B", true, "B")
	a.Forget("B")
	a.expect(t, "forgotten", "", true)
}

func TestInquiryForeign(t *testing.T) {
	a := newAsker()
	a.Meet("S", a.now)
	a.Meet("C", a.now)
	a.Meet("O", a.now)
	a.Reach("S", AskHeads, a.now)
	a.Reach("C", AskSilence, a.now)
	a.Reach("O", AskHeads, a.now)
	a.expect(t, "asked", "S? O?", false)
	a.Listed("O")
	a.after(400 * time.Millisecond)
	a.Heard("S", a.now)
	a.after(200 * time.Millisecond)
	if !a.Answered("C") || a.Answered("S") || !a.Answered("O") {
		t.Error("C and O have answered, S has not")
	}
	a.after(300 * time.Millisecond)
	a.expect(t, "silence ends a list", "", true)
	a.Reach("C", AskHeads, a.now)
	a.expect(t, "it can be asked after all", "C?", false)
	a.after(1400 * time.Millisecond)
	a.expect(t, "it may not have heard that we listen", "C? C?", false)
	a.after(200 * time.Millisecond)
	a.expect(t, "it has none", "", true)
}
