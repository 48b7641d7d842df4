package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Variables by which a test tells itself in a namespace where the packages are, and
// somebody tells it that it may install them on this very machine.
const (
	packagesVariable = "PACKAGING_TEST_FILES"
	inPlaceVariable  = "PACKAGING_TEST_IN_PLACE"
)

// apart runs a test on a machine of its own: the same test, in a process that sees a
// copy of this machine's files, to which what it writes goes, its own processes and a
// network of loopback alone. So the ports of a default configuration are free, nothing
// stays behind, and what a package leaves can be listed.
//
// Where namespaces may not be made, as in most containers, it runs on this machine if
// the variable says that it may, and beck is not installed. Else it is skipped.
func apart(t *testing.T, files string, test func(t *testing.T, m machine, files string)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("packages are installed by root")
	}
	err := again(t, files)
	if err == nil {
		return
	}
	if os.Getenv(inPlaceVariable) == "" {
		t.Skipf("a machine of its own cannot be made (%v), and %s does not allow this one", err, inPlaceVariable)
	}
	m := machine{"/"}
	for _, name := range []string{"/usr/bin/beck", "/etc/beck", "/var/lib/beck"} {
		if m.exists(name) {
			t.Skipf("%s is here: this machine is somebody's", name)
		}
	}
	hadUser := hasUser("beck")
	t.Cleanup(func() { // also where the test has failed half-way
		if m.exists("/usr/bin/beck") {
			_ = exec.Command("dpkg", "--purge", "beck").Run()
			_ = exec.Command("rpm", "--dbpath", "/var/lib/rpm-test", "--erase", "beck").Run()
		}
		if !hadUser {
			_ = exec.Command("userdel", "beck").Run()
		}
		for _, name := range []string{"/etc/beck", "/var/lib/beck", "/var/lib/rpm-test"} {
			_ = os.RemoveAll(name)
		}
	})
	test(t, m, files)
}

// again runs the test once more, in namespaces. It returns an error if these cannot be
// made.
func again(t *testing.T, files string) error {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), packagesVariable+"="+files)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), noMachine) {
		return fmt.Errorf("%w: %s", err, out)
	}
	t.Logf("on a machine of its own:\n%s", out)
	if err != nil {
		t.Error(err)
	}
	return nil
}

// noMachine is printed where namespaces can be made, but nothing can be mounted in them.
const noMachine = "no machine of its own:"

// newMachine makes the machine that this process was started for, in a directory.
func newMachine(t *testing.T, files string) machine {
	t.Helper()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s %s: %v", noMachine, what, err)
		}
	}
	must("private mounts", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	dir := t.TempDir()
	must("memory", unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	m := machine{filepath.Join(dir, "root")}
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{m.root, upper, work} {
		must("directory", os.Mkdir(d, 0o755))
	}
	must("overlay", unix.Mount("overlay", m.root, "overlay", 0, "lowerdir=/,upperdir="+upper+",workdir="+work))
	t.Cleanup(func() { _ = unix.Unmount(m.root, unix.MNT_DETACH); _ = unix.Unmount(dir, unix.MNT_DETACH) })
	must("proc", unix.Mount("proc", m.path("/proc"), "proc", 0, ""))
	must("dev", unix.Mount("/dev", m.path("/dev"), "", unix.MS_BIND|unix.MS_REC, ""))
	for _, d := range []string{"/run", "/tmp"} { // whether systemd runs is asked in /run
		must(d, unix.Mount("tmpfs", m.path(d), "tmpfs", 0, ""))
	}
	must("packages", os.Mkdir(m.path("/tmp/files"), 0o755))
	must("packages", unix.Mount(files, m.path("/tmp/files"), "", unix.MS_BIND, ""))
	must("loopback", loopbackUp())
	return m
}

// loopbackUp switches the loopback interface of a new network on.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
