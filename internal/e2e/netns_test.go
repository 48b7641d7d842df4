//go:build unix

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// namespaces are two network namespaces with a cable between them.
type namespaces struct {
	near, far       string
	nearIP4, farIP4 string
	nearIP6, farIP6 string
}

// newNamespaces makes them, or skips the test. They end with the test, and the
// cable, which is in them alone, ends with them.
func newNamespaces(t *testing.T) *namespaces {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("there is no program ip")
	}
	id := fmt.Sprintf("beck-e2e-%d", os.Getpid())
	n := &namespaces{
		near: id + "-near", far: id + "-far",
		nearIP4: "10.203.17.1", farIP4: "10.203.17.2",
		nearIP6: "fd5b:ec4e::1", farIP6: "fd5b:ec4e::2",
	}
	t.Cleanup(func() {
		for _, ns := range []string{n.near, n.far} {
			_ = exec.Command("ip", "netns", "del", ns).Run() // it may not have been made
		}
	})
	for i, args := range [][]string{
		{"netns", "add", n.near},
		{"netns", "add", n.far},
		{"-n", n.near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", n.far},
		{"-n", n.near, "addr", "add", n.nearIP4 + "/24", "dev", "cable"},
		{"-n", n.far, "addr", "add", n.farIP4 + "/24", "dev", "cable"},
		{"-n", n.near, "link", "set", "lo", "up"},
		{"-n", n.far, "link", "set", "lo", "up"},
		{"-n", n.near, "link", "set", "cable", "up"},
		{"-n", n.far, "link", "set", "cable", "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Skipf("network namespaces cannot be made: step %d: ip %s: %v: %s", i, strings.Join(args, " "), err, out)
		}
	}
	return n
}

// addIPv6 gives both ends an IPv6 address, or skips the test.
func (n *namespaces) addIPv6(t *testing.T) {
	t.Helper()
	for ns, ip := range map[string]string{n.near: n.nearIP6, n.far: n.farIP6} {
		out, err := exec.Command("ip", "-n", ns, "addr", "add", ip+"/64", "dev", "cable", "nodad").CombinedOutput()
		if err != nil {
			t.Skipf("no IPv6: %v: %s", err, out)
		}
	}
}

// in returns what a command is run by to be in a namespace.
func in(ns string) []string { return []string{"ip", "netns", "exec", ns} }

// TestNetworkNamespaces: a tower and nodes that join it by loopback in one
// namespace, a remote consumer in another, over IPv4 and over IPv6. The nodes
// announce what loopback peers and remote peers can dial, each.
func TestNetworkNamespaces(t *testing.T) {
	n := newNamespaces(t)
	t.Run("IPv4", func(t *testing.T) {
		acrossNamespaces(t, n, "0.0.0.0", "127.0.0.1", n.nearIP4)
	})
	t.Run("IPv6", func(t *testing.T) {
		n.addIPv6(t)
		acrossNamespaces(t, n, "::", "::1", n.nearIP6)
	})
}

func acrossNamespaces(t *testing.T, n *namespaces, everywhere, loopback, address string) {
	m := &mesh{t: t, wrap: in(n.near)}
	endpoint := func(host, port string) string { return "tcp://" + net.JoinHostPort(host, port) }
	m.startTower(endpoint(everywhere, "0"), endpoint(everywhere, "0"))
	_, subPort, _ := net.SplitHostPort(strings.TrimPrefix(m.sub, "tcp://"))
	_, pubPort, _ := net.SplitHostPort(strings.TrimPrefix(m.pub, "tcp://"))
	m.sub, m.pub = endpoint(loopback, subPort), endpoint(loopback, pubPort)
	open := []string{"--listen", ":0"}
	m.store(m.newDir(), open...)
	m.produce("across", lines("gone", 1000, beatSize), open...).wait(limit())

	far := *m
	far.wrap, far.sub, far.pub = in(n.far), endpoint(address, subPort), endpoint(address, pubPort)
	out := newSink(newInOrder(beatSize, map[string]int{"gone": 0, "live": 0}).check)
	c := far.consume("across", out, append(open, "--from-beginning")...)
	near := newSink(newInOrder(beatSize, map[string]int{"gone": 0, "live": 0}).check)
	m.consume("across", near, append(open, "--from-beginning")...)
	eventually(t, limit(), "what the store has crossed over", func() bool { return out.lines() == 1000 || out.failure() != nil })
	awaitReadyLog(c)
	source, half := marked(t, lines("live", 1000, beatSize), 500)
	live := m.produce("across", source, open...)
	for _, peer := range []string{"as=store", "as=producer"} {
		line := c.awaitLog(limit(), "msg=linked", peer)
		if !strings.Contains(line, net.JoinHostPort(address, "")) {
			t.Errorf("the remote consumer was told of another address: %s", line)
		}
	}
	<-half
	live.wait(limit())
	for name, s := range map[string]*sink{"remote": out, "loopback": near} {
		eventually(t, limit(), "the "+name+" consumer has all", func() bool { return s.lines() >= 2000 || s.failure() != nil })
		if err := s.failure(); err != nil {
			t.Error(err)
		}
	}
}
