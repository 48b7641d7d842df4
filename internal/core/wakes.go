package core

import (
	"container/heap"
	"time"
)

// wakeHeap holds the peers that wait for a time, the earliest first.
type wakeHeap []*peer

func (h wakeHeap) Len() int { return len(h) }
func (h wakeHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].uuid < h[j].uuid
	}
	return h[i].at.Before(h[j].at)
}
func (h wakeHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].wake, h[j].wake = i, j
}

// Push is for container/heap only.
func (h *wakeHeap) Push(x any) {
	p := x.(*peer)
	p.wake = len(*h)
	*h = append(*h, p)
}

// Pop is for container/heap only.
func (h *wakeHeap) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	p.wake = -1
	return p
}

// set makes at the time of the peer; zero means that it waits for none.
func (h *wakeHeap) set(p *peer, at time.Time) {
	if at.IsZero() {
		h.drop(p)
		return
	}
	p.at = at
	if p.wake < 0 {
		heap.Push(h, p)
	} else {
		heap.Fix(h, p.wake)
	}
}

func (h *wakeHeap) drop(p *peer) {
	if p.wake >= 0 {
		heap.Remove(h, p.wake)
	}
}

// earlier returns the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
