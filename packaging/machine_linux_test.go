package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// limit bounds every wait.
const limit = 60 * time.Second

// machine is where packages are installed: this one, or a root of its own below a
// directory.
type machine struct{ root string }

// path returns where a file of the machine is.
func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) exists(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}

func (m machine) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(m.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// command returns a command of the machine, by the path of its program. It knows
// nothing of the environment here.
func (m machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if m.root != "/" {
		cmd.SysProcAttr.Chroot = m.root
	}
	return cmd
}

// run runs a command, which must succeed, and returns what it prints.
func (m machine) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := m.command(args...)
	cmd.Stdin = strings.NewReader(input)
	var errOut strings.Builder
	cmd.Stderr = &errOut
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, errOut.String())
	}
	return string(out)
}

// await runs a command until it succeeds.
func (m machine) await(t *testing.T, args ...string) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		out, err := m.command(args...).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %v after %s: %s", strings.Join(args, " "), err, limit, out)
		}
	}
}

// append adds a text to a file.
func (m machine) append(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(m.path(name), []byte(m.read(t, name)+text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// find returns the path of a program of the machine.
func (m machine) find(program string) (string, bool) {
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if path := filepath.Join(dir, program); m.exists(path) {
			return path, true
		}
	}
	return "", false
}

// lookup returns the user and group of a name, by the machine's own passwd.
func (m machine) lookup(t *testing.T, name string) (uid, gid uint32) {
	t.Helper()
	for line := range strings.Lines(m.read(t, "/etc/passwd")) {
		fields := strings.Split(line, ":")
		if fields[0] != name || len(fields) < 4 {
			continue
		}
		u, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		g, err := strconv.ParseUint(fields[3], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(u), uint32(g)
	}
	t.Fatalf("there is no user %s", name)
	return 0, 0
}

// service is a unit that runs, as systemd would run it.
type service struct {
	t      *testing.T
	unit   unit
	cmd    *exec.Cmd
	notify *net.UnixConn
	output transcript
	status string // that it gave with READY=1
}

// start does what systemd does with a unit of the machine: it makes its directory,
// runs its command as its user, and waits until that says that it is ready.
func (m machine) start(t *testing.T, name string) *service {
	t.Helper()
	u := readUnit(t, m.path("/usr/lib/systemd/system/"+name))
	uid, gid := m.lookup(t, u.one(t, "User"))
	for _, dir := range u["StateDirectory"] {
		dir = m.path("/var/lib/" + dir)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	s := &service{t: t, unit: u, cmd: m.command(strings.Fields(u.one(t, "ExecStart"))...)}
	s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	socket := "/run/notify-" + name
	s.listen(m.path(socket), int(uid))
	s.cmd.Env = append(s.cmd.Env, "NOTIFY_SOCKET="+socket)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() }) // unless it has been stopped
	said := s.hear()
	var ready bool
	if s.status, ready = strings.CutPrefix(said, "READY=1\nSTATUS="); !ready {
		t.Fatalf("%s said %q to systemd, want READY=1: %s", name, said, s.output.String())
	}
	return s
}

func (s *service) listen(socket string, uid int) {
	s.t.Helper()
	_ = os.Remove(socket) // of the start before
	var err error
	if s.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.notify.Close(); _ = os.Remove(socket) })
	if err := os.Chown(socket, uid, -1); err != nil {
		s.t.Fatal(err)
	}
}

// hear returns the next thing that the service says to systemd.
func (s *service) hear() string {
	s.t.Helper()
	if err := s.notify.SetReadDeadline(time.Now().Add(limit)); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := s.notify.Read(b)
	if err != nil {
		s.t.Fatalf("%s says nothing to systemd: %v; it printed %s", s.cmd, err, s.output.String())
	}
	return string(b[:n])
}

// reload does what "systemctl reload" does.
func (s *service) reload(m machine) {
	s.t.Helper()
	args := strings.Fields(s.unit.one(s.t, "ExecReload"))
	for i := range args {
		if args[i] == "$MAINPID" {
			args[i] = strconv.Itoa(s.cmd.Process.Pid)
		}
	}
	m.run(s.t, "", args...)
}

// await waits until the service has printed a text.
func (s *service) await(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(limit); !strings.Contains(s.output.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s printed no %q in %s: %s", s.cmd, text, limit, s.output.String())
		}
	}
}

// stop ends the service as systemd does. It must say that it is stopping, and end
// well.
func (s *service) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if said := s.hear(); said != "STOPPING=1" {
		s.t.Errorf("%s said %q to systemd, want STOPPING=1", s.cmd, said)
	}
	timer := time.AfterFunc(limit, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("%s: %v: %s", s.cmd, err, s.output.String())
	}
}

// transcript is what a process has printed, while it prints.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// hasUser reports whether this process's machine has a user.
func hasUser(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}

// numbers are lines to stream: first to last.
func numbers(first, last int) string {
	var b strings.Builder
	for i := first; i <= last; i++ {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

// lines returns what a text has, a line each.
func lines(text string) (all []string) {
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		all = append(all, s.Text())
	}
	return all
}
