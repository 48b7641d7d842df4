package sim

// box is a machine on which one process after the other runs.
type box interface {
	// at returns the machine.
	at() *machine
	// process returns what runs on it, nil when nothing does.
	process() *host
	// start starts a process.
	start()
	// calm ends what the application does wrong.
	calm()
}

// frame is what boxes have in common.
type frame struct {
	world *World
	m     *machine
	host  *host
}

func (b *frame) at() *machine   { return b.m }
func (b *frame) process() *host { return b.host }
func (b *frame) calm()          {}

// running reports whether the process is up and gets time.
func (b *frame) running() bool { return b.host != nil && !b.host.stopped }
