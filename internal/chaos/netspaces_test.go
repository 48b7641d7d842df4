//go:build unix

package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// namespaces is a network namespace for each node, and one with the bridge that
// connects them. A node is cut off by pulling its cable.
type namespaces struct {
	prefix string
	ports  map[string]int // by node: the bridge's port, and the end of the address
}

const (
	namespaceNet   = "10.203.18."
	namespaceTower = namespaceNet + "1"
)

// newNamespaces makes them, which needs root and the program ip.
func newNamespaces(t *testing.T) (network, error) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, fmt.Errorf("network namespaces: %w", err)
	}
	n := &namespaces{prefix: fmt.Sprintf("beck-chaos-%d-", os.Getpid()), ports: make(map[string]int)}
	t.Cleanup(func() { _ = n.close() })
	commands := []string{
		"netns add HUB",
		"-n HUB link add hub type bridge",
		"-n HUB link set hub up",
	}
	for i, node := range append(nodeNames(), "probe") {
		n.ports[node] = i + 1
		commands = append(commands, strings.Split(strings.NewReplacer(
			"NODE", n.prefix+node, "PORT", fmt.Sprint("port", i+1), "ADDRESS", fmt.Sprint(namespaceNet, i+1),
		).Replace(`netns add NODE
-n HUB link add PORT type veth peer name cable netns NODE
-n HUB link set PORT master hub
-n HUB link set PORT up
-n NODE addr add ADDRESS/24 dev cable
-n NODE link set lo up
-n NODE link set cable up`), "\n")...)
	}
	for _, c := range commands {
		if err := n.ip(c); err != nil {
			return nil, fmt.Errorf("network namespaces: %w", err)
		}
	}
	return n, nil
}

// ip runs the program ip, with HUB as the name of the bridge's namespace.
func (n *namespaces) ip(command string) error {
	args := strings.Fields(strings.ReplaceAll(command, "HUB", n.prefix+"hub"))
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (n *namespaces) kinds() []kind { return []kind{cut} }

// location gives what comes after the faults the place of the probe.
func (n *namespaces) location(node string) location {
	if n.ports[node] == 0 {
		node = "probe"
	}
	return location{
		wrap: []string{"ip", "netns", "exec", n.prefix + node},
		sub:  "tcp://" + namespaceTower + ":5556", pub: "tcp://" + namespaceTower + ":5557", listen: ":0",
	}
}

func (n *namespaces) begin(_ kind, node string) error { return n.cable(node, "down") }
func (n *namespaces) end(_ kind, node string) error   { return n.cable(node, "up") }

func (n *namespaces) cable(node, state string) error {
	return n.ip(fmt.Sprintf("-n HUB link set port%d %s", n.ports[node], state))
}

// close removes the namespaces. Cables end with what they are in.
func (n *namespaces) close() error {
	for node := range n.ports {
		_ = n.ip("netns del " + n.prefix + node) // it may not have been made
	}
	_ = n.ip("netns del HUB")
	return nil
}
