package blocklog

import "fmt"

// Reopen closes the files and opens them again, which is what there is to do
// after [ErrSync]: what is on disk counts from then on, and only that. States
// are as they were, or further, if what failed was on disk after all.
//
// It waits for calls that are under way; others fail with [ErrReopening]
// meanwhile, and, if it returns an error, until another call succeeds. States
// can be looked at all the time. A [Batch] that blocks were added to before is
// refused with [ErrReopened].
//
// Three errors are final. [ErrLost]: what had been committed is not there any
// more; the log cannot go on under its UUID, and has a new one when it is opened
// the next time. [ErrFull]: the disk stayed full. [ErrClosed].
func (l *Log) Reopen() error {
	l.life.Lock()
	defer l.life.Unlock()
	err := l.pause()
	if err == nil {
		err = l.reopen()
	}
	if err != nil {
		return fmt.Errorf("blocklog: reopen %q: %w", l.home.Path, err)
	}
	return nil
}

// pause lets nobody use the database any more, and waits for those who do.
func (l *Log) pause() error {
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.paused = true
		l.reclaimer.stop()
	}
	l.mu.Unlock()
	if closed {
		return ErrClosed
	}
	l.running.Wait()
	return nil
}

// reopen does the work while nobody uses the database. It needs life.
func (l *Log) reopen() error {
	done := make(chan error, 1)
	if l.db != nil {
		go func() { done <- l.closeFailed() }()
		if err, ok := l.disk.orGiveUp(done); !ok {
			return ErrFull
		} else if err != nil { // expected: what could not be written cannot be now
			l.opts.Logger.Info("closed after a failed write", "error", err)
		}
		l.db, l.watermark = nil, nil
	}
	again := newLog(l.opts, l.home)
	again.disk, again.abandoned, again.least = l.disk, l.abandoned, max(l.least, l.seal.commits)
	go func() { done <- again.open() }()
	if err, ok := l.disk.orGiveUp(done); !ok {
		return ErrFull
	} else if err != nil {
		return err
	}
	l.become(again)
	return nil
}

// closeFailed closes what failed before. Pebble may panic once more.
func (l *Log) closeFailed() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = asError(r)
		}
	}()
	return l.closeFiles()
}

// become takes over what was opened again.
func (l *Log) become(again *Log) {
	l.retention.Lock()
	l.retention.begun, l.retention.aging = false, nil
	l.retention.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.db, l.watermark, l.seal = again.db, again.watermark, again.seal
	l.parts, l.order, l.held = again.parts, again.order, again.held
	l.conflicts = again.conflicts
	l.damage, l.damaged, l.passed = again.damage, again.damaged, again.passed
	l.touched, l.small = again.touched, again.small
	l.reclaimer = again.reclaimer
	l.failure, l.paused = nil, false
}
