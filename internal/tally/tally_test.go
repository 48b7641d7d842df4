package tally

import (
	"fmt"
	"testing"
)

func TestTopics(t *testing.T) {
	var topics Topics
	topics.Add("a", 2, 20)
	topics.Add("b", 1, 5)
	topics.Add("a", 1, 1)
	if got := topics.Of("a"); got != (Traffic{3, 21}) {
		t.Errorf("a: got %+v", got)
	}
	if got := topics.Of("none"); got != (Traffic{}) {
		t.Errorf("none: got %+v", got)
	}
	if got := topics.Sum(); got != (Traffic{4, 26}) {
		t.Errorf("sum: got %+v", got)
	}
}

// TestBound counts what is beyond the bound in the sum alone, and in no other topic.
func TestBound(t *testing.T) {
	var topics Topics
	for i := range MaxTopics + 10 {
		topics.Add(fmt.Sprint(i), 1, 2)
	}
	topics.Add(fmt.Sprint(MaxTopics-1), 1, 2)
	names := 0
	topics.Names(func(string) { names++ })
	if names != MaxTopics || topics.Sum() != (Traffic{MaxTopics + 11, 2 * (MaxTopics + 11)}) {
		t.Errorf("%d topics, sum %+v", names, topics.Sum())
	}
	if got := topics.Of(fmt.Sprint(MaxTopics - 1)); got != (Traffic{2, 4}) {
		t.Errorf("the last of them: got %+v", got)
	}
	if got := topics.Of(fmt.Sprint(MaxTopics)); got != (Traffic{}) {
		t.Errorf("the first beyond: got %+v", got)
	}
}
