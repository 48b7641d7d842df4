package producer

import (
	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// waiter waits for the acknowledgements of a record.
type waiter struct {
	seq  uint64
	sync chan error               // PublishSync's, with room for the outcome
	call func(beck.Offset, error) // else PublishFunc's callback
}

// tell tells a waiter the outcome: PublishSync at once, so that it waits for nobody's
// callback and may be called by one. It needs the lock.
func (p *Producer) tell(w waiter, log *core.Log, err error) {
	if w.sync != nil {
		w.sync <- err
		return
	}
	p.later(func() { w.call(p.offset(log, w.seq), err) })
}

// later has an application's callback called, without any lock of ours. It
// needs the lock.
func (p *Producer) later(f func()) {
	p.calls = append(p.calls, f)
	p.node.WakeWorkers()
}

// callBack calls what is due, one after the other. It is the worker, and reports
// whether there was anything to do.
func (p *Producer) callBack() bool {
	calls := p.calls
	if len(calls) == 0 || p.calling {
		return false
	}
	p.calls, p.calling = nil, true
	p.node.Unlock()
	defer func() {
		p.node.Lock()
		p.calling = false
	}()
	for _, f := range calls {
		f()
	}
	return true
}
