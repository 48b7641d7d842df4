package core

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/beckmesh/beck/protocol"
)

// TestDirectory runs the scripts in testdata/directory. Time is at=T after the
// start, or that of the command before. What a command relays is printed as
// seen from view=LOCAL, a loopback subscriber by default.
func TestDirectory(t *testing.T) {
	datadriven.Walk(t, "testdata/directory", func(t *testing.T, path string) {
		s := directoryScript{now: peersEpoch}
		datadriven.RunTest(t, path, s.run)
	})
}

type directoryScript struct {
	dir *Directory
	now time.Time
}

func (s *directoryScript) run(t *testing.T, d *datadriven.TestData) string {
	if d.HasArg("at") {
		s.now = peersEpoch.Add(scanDuration(t, d, "at"))
	}
	var v View
	d.MaybeScanArgs(t, "view", &v.Local)
	switch d.Cmd {
	case "new":
		var cfg DirectoryConfig
		d.MaybeScanArgs(t, "max-nodes", &cfg.MaxNodes)
		d.MaybeScanArgs(t, "per-address", &cfg.MaxNodesPerAddress)
		d.MaybeScanArgs(t, "rate", &cfg.BeaconRate)
		d.MaybeScanArgs(t, "burst", &cfg.BeaconBurst)
		s.dir, s.now = NewDirectory(cfg), peersEpoch
		return ""
	case "announce":
		return s.announce(t, d, v)
	case "closed":
		s.dir.Closed(uint64(scanInt(t, d, "conn")))
	case "tick":
		s.dir.Tick(s.now)
	case "gather":
		return s.show(v, s.dir.Gather(s.now)...) + s.wake()
	case "list":
		return s.show(v, s.dir.List()...)
	default:
		t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	}
	return s.wake()
}

// announce from=ADDRESS on conn=ID; an ADDRESS beginning with lo: is loopback.
func (s *directoryScript) announce(t *testing.T, d *datadriven.TestData, v View) string {
	conn := NodeConn{ID: uint64(scanInt(t, d, "conn"))}
	conn.Address, conn.Loopback = strings.CutPrefix(scanString(t, d, "from"), "lo:")
	b := protocol.NodeBeacon{UUID: scanString(t, d, "uuid"), Port: uint16(scanInt(t, d, "port"))}
	d.MaybeScanArgs(t, "host", &b.Host)
	if d.HasArg("age") {
		b.Info = &protocol.NodeInfo{Age: scanDuration(t, d, "age")}
		d.MaybeScanArgs(t, "role", &b.Info.Role)
	}
	n, err := s.dir.Announce(conn, b, s.now)
	switch {
	case err != nil:
		return err.Error()
	case n == nil:
		return "gathered\n"
	}
	return s.show(v, n)
}

func (s *directoryScript) show(v View, nodes ...*Node) string {
	var out strings.Builder
	for _, n := range nodes {
		b := n.TowerBeacon(v, s.now)
		fmt.Fprint(&out, b.UUID, " ", b.Endpoint)
		if b.Info != nil {
			fmt.Fprint(&out, " age=", b.Info.Age)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

func (s *directoryScript) wake() string {
	next := s.dir.NextWake()
	if next.IsZero() {
		return "wake never\n"
	}
	return fmt.Sprintln("wake in", next.Sub(s.now))
}

// TestDirectoryFloodFromOneAddress: what one machine announces does not keep
// another's node out.
func TestDirectoryFloodFromOneAddress(t *testing.T) {
	d := NewDirectory(DirectoryConfig{})
	full := 0
	for i := range 20000 {
		conn := NodeConn{ID: uint64(i), Address: "192.0.2.66"}
		_, err := d.Announce(conn, protocol.NodeBeacon{UUID: fmt.Sprintf("%032X", i), Port: 1}, peersEpoch)
		if errors.Is(err, ErrAddressFull) {
			full++
			d.Closed(conn.ID)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if d.Len() < 1024 || d.Len()+full != 20000 {
		t.Errorf("%d nodes of one address, %d refused", d.Len(), full)
	}
	n, err := d.Announce(NodeConn{ID: 1 << 40, Address: "192.0.2.1"}, protocol.NodeBeacon{UUID: "GOOD", Port: 1}, peersEpoch)
	if n == nil || err != nil {
		t.Errorf("a good node is refused: %v", err)
	}
	d.Tick(peersEpoch.Add(4 * time.Second))
	if d.Len() != 0 || len(d.byAddress) != 0 || d.byBeacon.Len() != 0 {
		t.Errorf("left after all expired: %d nodes, %v", d.Len(), d.byAddress)
	}
}
