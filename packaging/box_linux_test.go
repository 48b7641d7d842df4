package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"
)

// box is what a container or a pod is, without an engine: a command with an
// environment, a network of its own, a host name, and directories that are mounted.
type box struct {
	name   string
	names  []string // by which others find it
	host   string   // its own name
	call   call
	mounts map[string]string // path in it to path on the machine
	addr   string            // given by the network
}

// boxes are those of a mesh, on a machine that has a network for them.
type boxes struct {
	t   *testing.T
	m   machine
	all map[string]*box
}

// boxUser is the user of the image.
const boxUser = "65532"

// boxNetwork is the network of boxes: the machine is the last host in it.
const boxNetwork = "10.203.18."

// newBoxes makes a network with a place for each box, and puts the program where the
// image has it.
func newBoxes(t *testing.T, m machine, program string, all []*box) *boxes {
	t.Helper()
	b := &boxes{t: t, m: m, all: make(map[string]*box)}
	m.run(t, "", "/bin/cp", program, "/usr/bin/beck")
	m.run(t, "", "/bin/mkdir", "-p", "/etc/beck/http", "/var/lib/beck")
	m.run(t, "", "/usr/bin/touch", "/etc/beck/beck.yaml")
	b.ip("link", "add", "mesh", "type", "bridge")
	b.ip("addr", "add", boxNetwork+"254/24", "dev", "mesh")
	b.ip("link", "set", "mesh", "up")
	hosts := "127.0.0.1 localhost\n"
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	for i, x := range all {
		x.addr = fmt.Sprint(boxNetwork, i+1)
		cable := fmt.Sprint("box", i)
		b.ip("netns", "add", x.name)
		b.ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", x.name)
		b.ip("link", "set", cable, "master", "mesh", "up")
		b.ip("-n", x.name, "addr", "add", x.addr+"/24", "dev", "eth0")
		b.ip("-n", x.name, "link", "set", "eth0", "up")
		b.ip("-n", x.name, "link", "set", "lo", "up")
		hosts += x.addr + " " + strings.Join(x.names, " ") + "\n"
		b.all[x.name] = x
	}
	if err := os.WriteFile(m.path("/etc/hosts"), []byte(hosts), 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *boxes) ip(args ...string) {
	b.t.Helper()
	ip, found := b.m.find("ip")
	if !found {
		b.t.Skip("there is no program ip")
	}
	b.m.run(b.t, "", append([]string{ip}, args...)...)
}

// volume makes a directory of the machine that boxes mount, with the owner and mode that it
// has in them.
func (b *boxes) volume(path, owner, mode string) {
	b.t.Helper()
	b.m.run(b.t, "", "/bin/mkdir", "-p", path)
	b.m.run(b.t, "", "/bin/chown", owner, path)
	b.m.run(b.t, "", "/bin/chmod", mode, path)
}

// command returns a command in a box: beck with arguments, as the user of the image, who
// may do nothing that others may not.
func (b *boxes) command(x *box, args ...string) *exec.Cmd {
	b.t.Helper()
	ip, _ := b.m.find("ip")
	setup := "set -e; hostname " + x.host + "; "
	for to, from := range x.mounts {
		setup += "mount --bind " + from + " " + to + "; "
	}
	setup += "exec setpriv --reuid=" + boxUser + " --regid=" + boxUser + " --clear-groups --no-new-privs --bounding-set=-all /usr/bin/beck \"$@\""
	line := []string{ip, "netns", "exec", x.name, "/usr/bin/unshare", "--uts", "/bin/sh", "-c", setup, "sh"}
	cmd := b.m.command(append(line, args...)...)
	cmd.Env = append(cmd.Env, x.call.env...)
	return cmd
}

// start starts what a box is there for. It runs until the test ends.
func (b *boxes) start(name string) {
	b.t.Helper()
	cmd := b.command(b.all[name], b.all[name].call.args...)
	output := new(transcript)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if b.t.Failed() {
			b.t.Logf("%s printed: %s", name, output)
		}
	})
}

// run runs beck in a box, which must succeed, and returns what it prints.
func (b *boxes) run(name, input string, args ...string) string {
	b.t.Helper()
	cmd := b.command(b.all[name], args...)
	cmd.Stdin = strings.NewReader(input)
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s: beck %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// await runs beck in a box until it succeeds.
func (b *boxes) await(name string, args ...string) {
	b.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		out, err := b.command(b.all[name], args...).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: beck %s: still %v after %s: %s", name, strings.Join(args, " "), err, limit, out)
		}
	}
}

// stream has records go through the mesh from one box, to as many stores.
func (b *boxes) stream(from string, stores int) {
	b.t.Helper()
	b.run(from, numbers(1, 1000), "produce", "hello", "--acks", fmt.Sprint(stores))
	if got := lines(b.run(from, "", "consume", "hello", "--from-beginning", "--end")); len(got) != 1000 {
		b.t.Errorf("%d records came, want 1000", len(got))
	}
	b.run(from, "", "check", "--min-stores", fmt.Sprint(stores))
}

// get returns the body of an answer with status 200 from the machine, with a token and
// a certificate of a directory. The name of the certificate is that of the URL, or
// another one.
func (b *boxes) get(url, keys, name string) string {
	b.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(b.m.read(b.t, filepath.Join(keys, "tls.crt"))))
	client := &http.Client{Timeout: limit, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: name},
		DialContext:       b.dial,
	}}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(b.m.read(b.t, filepath.Join(keys, "token"))))
	answer, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s, %v: %s", url, answer.Status, err, body)
	}
	return string(body)
}

// dial connects to a box by a name of it.
func (b *boxes) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	for _, x := range b.all {
		for _, name := range x.names {
			if name == host {
				host = x.addr
			}
		}
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
}

// inBoxes runs a test on a machine of its own, with the program at the path that it
// gets.
func inBoxes(t *testing.T, test func(t *testing.T, m machine, program string)) {
	if files := os.Getenv(packagesVariable); files != "" {
		test(t, newMachine(t, files), "/tmp/files/beck")
		return
	}
	if os.Getuid() != 0 {
		t.Skip("networks are made by root")
	}
	if err := again(t, filepath.Dir(beckProgram(t))); err != nil {
		t.Skipf("a machine of its own cannot be made: %v", err)
	}
}
