package producer

// later has an application's callback called, without any lock of ours. It
// needs the lock.
func (p *Producer) later(f func()) {
	p.calls = append(p.calls, f)
	p.node.WakeWorkers()
}

// callBack calls what is due, one after the other.
func (p *Producer) callBack() bool {
	calls := p.calls
	p.calls = nil
	if len(calls) == 0 {
		return false
	}
	p.node.Unlock()
	defer p.node.Lock()
	for _, f := range calls {
		f()
	}
	return true
}
