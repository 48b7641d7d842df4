package faultproxy

import "time"

// Direction is one of the two ways through a proxy.
type Direction int

// The directions.
const (
	Forward  Direction = iota // from who dialled the proxy to the target
	Backward                  // from the target
)

// faults is what is wrong with one direction.
type faults struct {
	stall   bool
	drop    bool
	rate    int // bytes a second; 0 is no limit
	corrupt int // each such byte is spoiled; 0 is none

	passed int       // bytes since the last one that was spoiled
	free   time.Time // when the rate allows more
}

// Refuse makes the proxy reset new connections at once, or no longer.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Stall stops reading in one direction, or goes on. The sender sees the window
// of its connection close, as with a peer whose process was stopped.
func (p *Proxy) Stall(d Direction, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[d].stall = on
	p.calm.Broadcast()
}

// Drop cuts one direction only: what comes is read and thrown away, or no
// longer. A TCP stream with such a hole makes no sense afterwards, so that
// whoever sets Drop ends with Cut.
func (p *Proxy) Drop(d Direction, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[d].drop = on
}

// Throttle passes at most bytesPerSecond in one direction, over all
// connections; 0 is no limit.
func (p *Proxy) Throttle(d Direction, bytesPerSecond int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[d].rate, p.faults[d].free = bytesPerSecond, time.Time{}
}

// Corrupt flips one bit of every such byte in one direction; 0 is none.
func (p *Proxy) Corrupt(d Direction, every int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[d].corrupt, p.faults[d].passed = every, 0
}

// HalfClose tells the receiving end of each connection that nothing follows in
// that direction. What the sender still sends is thrown away.
func (p *Proxy) HalfClose(d Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.half[d] = true
		_ = c.to(d).CloseWrite() // an error means that it has ended
	}
}

// delay takes n bytes of the rate and returns how long to wait for them.
func (f *faults) delay(n int, now time.Time) time.Duration {
	if f.rate <= 0 {
		return 0
	}
	if f.free.Before(now) {
		f.free = now
	}
	wait := f.free.Sub(now)
	f.free = f.free.Add(time.Duration(n) * time.Second / time.Duration(f.rate))
	return wait
}

// spoil flips a bit of each byte whose turn it is.
func (f *faults) spoil(b []byte) {
	if f.corrupt <= 0 {
		return
	}
	for at := f.corrupt - 1 - f.passed; at < len(b); at += f.corrupt {
		b[at] ^= 1 << 5
	}
	f.passed = (f.passed + len(b)) % f.corrupt
}
