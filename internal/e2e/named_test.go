//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testproc"
	"github.com/beckmesh/beck/protocol"
)

const (
	namedRecords = 60_000
	namedSize    = 100
	namedKills   = 4
)

// TestNamedConsumerKilled: a consumer with a name is killed with SIGKILL while it
// prints, again and again. Each life begins exactly where the last saved position
// says, which is never behind what was printed; so all lives together have every
// record, and none comes twice but those behind the last position.
func TestNamedConsumerKilled(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.store(m.newDir())
	in, marks := marked(t, lines("r", namedRecords, namedSize), namedRecords/(namedKills+1))
	p := m.produce("named", in)
	next := 0 // record that is to be printed first
	for range marks {
		next = oneLife(t, m, next, true)
	}
	p.wait(limit())
	if next = oneLife(t, m, next, false); next != namedRecords {
		t.Errorf("%d of %d records are saved as printed", next, namedRecords)
	}
}

// oneLife runs a consumer from the record that is due. It ends at the end, or is
// killed when positions have been saved and more was printed. oneLife returns
// where the next is to begin.
func oneLife(t *testing.T, m *mesh, due int, kill bool) int {
	t.Helper()
	var out testproc.Transcript
	args := []string{"consume", "named", "--name", "billing", "--from-beginning"}
	if !kill {
		args = append(args, "-e")
	}
	c := spawn(t, nil, nil, &out, m.node(args...)...)
	if kill {
		eventually(t, limit(), "a position is saved", func() bool { return savedPosition(t, m) > due || !c.running() })
		c.kill()
	} else {
		c.wait(limit())
	}
	printed := due
	for line := range strings.Lines(out.String()) {
		if !strings.HasSuffix(line, "\n") {
			break // cut short by the kill
		}
		if want := string(appendLine(nil, "r", printed, namedSize)); line != want {
			t.Fatalf("printed %.20q where %.20q was due", line, want)
		}
		printed++
	}
	saved := savedPosition(t, m)
	if saved > printed {
		t.Fatalf("saved is %d, printed were those before %d", saved, printed)
	}
	t.Logf("printed %d to %d, saved %d", due, printed-1, saved)
	return saved
}

// savedPosition returns the newest position that the stores have.
func savedPosition(t *testing.T, m *mesh) (next int) {
	t.Helper()
	config := consumer.DefaultConfig()
	config.Sub, config.Pub, config.Listen = []string{m.sub}, []string{m.pub}, "127.0.0.1:0"
	config.Topics, config.Start, config.StopAtEnd = []string{protocol.PositionsTopic}, consumer.Earliest, true
	c, err := consumer.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit())
	defer cancel()
	newest := make(map[string]protocol.Positions) // by life
	for {
		records, err := c.Poll(ctx, 1000)
		for _, r := range records {
			if newest[r.Partition], err = protocol.ParsePositions(r.Value); err != nil {
				t.Fatal(err)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, beck.ErrUnanswered) {
			break
		}
		if err != nil {
			t.Fatal(fmt.Errorf("reading the saved positions: %w", err))
		}
	}
	var last protocol.Positions
	for _, p := range newest {
		if p.Epoch > last.Epoch {
			last = p
		}
	}
	for _, at := range last.At {
		next = int(at.Next)
	}
	return next
}

// TestNamedConsumerTakesOver: after its holder was killed, a name is free within
// seconds; until then whoever wants it waits.
func TestNamedConsumerTakesOver(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.store(m.newDir())
	m.produce("named", lines("r", 10, namedSize)).wait(limit())
	first := newSink(func([]byte) error { return nil })
	c := m.consume("named", first, "--name", "n", "--from-beginning")
	eventually(t, limit(), "the first prints", func() bool { return first.lines() == 10 })
	eventually(t, limit(), "the position is saved", func() bool { return savedPosition(t, m) == 10 })
	c.kill()
	began := time.Now()
	var out testproc.Transcript
	spawn(t, nil, nil, &out, m.node("consume", "named", "--name", "n", "--from-beginning", "-e")...).wait(limit())
	if text := out.String(); text != "" {
		t.Errorf("it printed again %q", text)
	}
	t.Logf("the name was taken over in %v", time.Since(began))
}
