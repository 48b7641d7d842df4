package habit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/foreign/habit"
	"github.com/beckmesh/beck/protocol"
)

// consumer returns one that notes what it does.
func consumer() (*habit.Consumer, *[]string) {
	did := new([]string)
	c := &habit.Consumer{UUID: strings.Repeat("C", 32), Topics: []string{"t"}}
	c.Send = func(frames ...[]byte) {
		m, _ := protocol.Parse(frames[0])
		*did = append(*did, fmt.Sprintf("%v %d+%d", m.Kind, m.Sequence, m.Count))
	}
	c.Deliver = func(_ habit.Partition, seq uint64, content []byte) {
		*did = append(*did, fmt.Sprintf("deliver %d %s", seq, content))
	}
	return c, did
}

func TestConsumer(t *testing.T) {
	c, did := consumer()
	p := strings.Repeat("A", 32)
	now := time.UnixMilli(0)
	hear := func(frame []byte, content string) {
		t.Helper()
		m, err := protocol.Parse(frame)
		if err != nil {
			t.Fatal(err)
		}
		c.Receive(&m, []byte(content), now)
	}
	record := func(seq uint64) { hear(protocol.AppendRecord(nil, "t", p, seq), fmt.Sprint("content ", seq)) }
	record(0)
	record(0)                                        // again: dropped
	record(3)                                        // ahead: dropped, and what is missing asked for
	record(4)                                        // it was asked for
	hear(protocol.AppendRecord(nil, "t2", p, 1), "") // its subscription matches this, too
	now = now.Add(time.Second)
	hear(protocol.AppendHead(nil, "t", p, 4), "") // asked again: it hears of a head
	hear(protocol.AppendDirectRecord(nil, c.UUID, p, "t", 1), "content 1")
	hear(protocol.AppendHead(nil, "t", p, 4), "") // something else is missing
	hear(protocol.AppendHead(nil, "t", p, 1), "")
	c.Subscribed(string(rune(protocol.KindConsumerHello)) + strings.Repeat("5", 32))
	want := []string{
		"deliver 0 content 0", "FETCH 1+99999", "FETCH 1+99999", "deliver 1 content 1", "FETCH 2+99998", "CONSUMER-HELLO 0+0",
	}
	if !slices.Equal(*did, want) {
		t.Errorf("did %q\nwant %q", *did, want)
	}
	if next := c.Next(habit.Partition{Topic: "t", Producer: p}); next != 2 {
		t.Errorf("is at %d, want 2", next)
	}
}
