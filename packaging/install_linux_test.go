package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// manager is a program that installs packages of a format on a machine.
type manager struct {
	format  string
	program string
	install func(files ...string) []string // arguments; also to upgrade
	remove  []string
	purge   []string // nil: there is no such thing
}

// managers install without a thought of what else there is on the machine: what the
// packages depend on is there, whatever it is called.
var managers = []manager{
	{
		format: "deb", program: "dpkg",
		install: func(files ...string) []string {
			return append([]string{"--force-confold", "--force-unsafe-io", "--install"}, files...)
		},
		remove: []string{"--remove", "beck"},
		purge:  []string{"--purge", "beck"},
	},
	{
		format: "rpm", program: "rpm",
		install: func(files ...string) []string {
			return append([]string{"--dbpath", "/var/lib/rpm-test", "--nodeps", "--upgrade"}, files...)
		},
		remove: []string{"--dbpath", "/var/lib/rpm-test", "--nodeps", "--erase", "beck"},
	},
}

func TestInstallDeb(t *testing.T) { testInstall(t, managers[0]) }
func TestInstallRPM(t *testing.T) { testInstall(t, managers[1]) }

// testInstall builds two versions of a package, and has a machine live with them.
func testInstall(t *testing.T, with manager) {
	if files := os.Getenv(packagesVariable); files != "" {
		m := newMachine(t, files)
		with.live(t, m, "/tmp/files")
		return
	}
	if _, found := (machine{"/"}).find(with.program); !found {
		t.Skipf("there is no %s", with.program)
	}
	apart(t, builtPackages(t), with.live)
}

// live is the life of an installation, as an operator sees it.
func (w manager) live(t *testing.T, m machine, files string) {
	first, second := w.file(t, m, files, "first"), w.file(t, m, files, "second")
	program, _ := m.find(w.program)
	do := func(args ...string) string { return m.run(t, "", append([]string{program}, args...)...) }
	before := m.read(t, "/etc/passwd")

	do(w.install(first)...)
	checkInstalled(t, m, "1.0.0-rc.1")
	checkUnits(t, m)

	// A mesh of what the package has, as it stands.
	tower, store := m.start(t, "beck-tower.service"), m.start(t, "beck-store.service")
	checkHealth(t, m)
	m.run(t, numbers(1, 1000), "/usr/bin/beck", "produce", "hello")
	checkRecords(t, m, 1000)

	// The log level is read again while a service runs.
	m.append(t, "/etc/beck/beck.yaml", "\nlog-level: info\n")
	store.reload(m)
	store.await("log level changed")

	// An upgrade leaves what an operator wrote and what the store has.
	const mine = "\n# Written by the operator.\n"
	m.append(t, "/etc/beck/beck.yaml", mine)
	m.run(t, "", "/usr/bin/beck", "cert", "/etc/beck/http")
	do(w.install(second)...)
	checkInstalled(t, m, "1.0.0")
	if text := m.read(t, "/etc/beck/beck.yaml"); !strings.HasSuffix(text, mine) {
		t.Errorf("the upgrade took the operator's configuration: %s", text)
	}
	for _, name := range []string{"/etc/beck/beck.yaml.dpkg-new", "/etc/beck/beck.yaml.dpkg-dist", "/etc/beck/beck.yaml.rpmnew"} {
		if m.exists(name) {
			t.Errorf("the upgrade left %s, though the default is as it was", name)
		}
	}
	address := store.status
	store.stop()
	tower.stop()
	tower, store = m.start(t, "beck-tower.service"), m.start(t, "beck-store.service")
	if store.status != address {
		t.Errorf("the store was %q before the upgrade and is %q after it", address, store.status)
	}
	m.run(t, numbers(1001, 2000), "/usr/bin/beck", "produce", "hello")
	checkRecords(t, m, 2000)
	store.stop()
	tower.stop()

	// Removed, and installed again.
	do(w.remove...)
	checkRemoved(t, m)
	if !m.exists("/etc/beck/beck.yaml") && !m.exists("/etc/beck/beck.yaml.rpmsave") {
		t.Error("a removal took the operator's configuration")
	}
	if !m.exists("/etc/beck/http/token") {
		t.Error("a removal took the token")
	}
	do(w.install(second)...)
	tower, store = m.start(t, "beck-tower.service"), m.start(t, "beck-store.service")
	checkRecords(t, m, 2000)
	store.stop()
	tower.stop()

	// And for good.
	if w.purge == nil {
		do(w.remove...)
	} else {
		said := do(w.purge...)
		if !strings.Contains(said, "the records in /var/lib/beck were left") || m.exists("/etc/beck") {
			t.Errorf("purging said %q, and /etc/beck is there: %v", said, m.exists("/etc/beck"))
		}
	}
	checkRemoved(t, m)
	checkLeft(t, m, before, w.purge != nil)
}

// file returns the path, on the machine, of the package of a version.
func (w manager) file(t *testing.T, m machine, files, version string) string {
	t.Helper()
	found, err := filepath.Glob(m.path(filepath.Join(files, version, "*."+w.format)))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files .%s of the %s version, want one", len(found), w.format, version)
	}
	return filepath.Join(files, version, filepath.Base(found[0]))
}

// installed are files that users look for.
var installed = []string{
	"/usr/bin/beck", "/etc/beck/beck.yaml", "/usr/lib/sysusers.d/beck.conf",
	"/usr/lib/systemd/system/beck-tower.service", "/usr/lib/systemd/system/beck-store.service",
	"/usr/share/man/man1/beck.1.gz", "/usr/share/man/man1/beck-store.1.gz",
	"/usr/share/bash-completion/completions/beck", "/usr/share/fish/vendor_completions.d/beck.fish",
	"/usr/share/doc/beck/NOTICE", "/usr/share/doc/beck/LICENSES", "/usr/share/doc/beck/changelog.gz",
}

func checkInstalled(t *testing.T, m machine, version string) {
	t.Helper()
	for _, name := range installed {
		if !m.exists(name) {
			t.Errorf("%s is not there", name)
		}
	}
	said := m.run(t, "", "/usr/bin/beck", "version")
	if want := "beck " + version + " 0123456789ab 2023-11-14T22:13:20Z go"; !strings.HasPrefix(said, want) {
		t.Errorf("beck version says %q, want %q", said, want)
	}
	if said := m.run(t, "", "/usr/bin/beck", "config", "store"); !strings.Contains(said, "/etc/beck/beck.yaml:") {
		t.Errorf("beck config store has nothing from the file: %s", said)
	}
	_, gid := m.lookup(t, "beck")
	checkOwner(t, m, "/etc/beck/http", 0o2750, gid)
	m.run(t, "", "/bin/bash", "-n", "/usr/share/bash-completion/completions/beck")
}

// checkUnits has systemd look at the units, where it is there.
func checkUnits(t *testing.T, m machine) {
	t.Helper()
	analyze, found := m.find("systemd-analyze")
	if !found {
		t.Log("there is no systemd-analyze: the units are not looked at")
		return
	}
	for _, name := range []string{"beck-tower.service", "beck-store.service"} {
		cmd := m.command(analyze, "verify", "/usr/lib/systemd/system/"+name)
		said, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(said), "beck") { // of others it also says things
			t.Errorf("systemd-analyze verify %s: %v: %s", name, err, said)
		}
		// The exposure is at most 2.0 of 10.
		m.run(t, "", analyze, "security", "--offline=true", "--threshold=20", "/usr/lib/systemd/system/"+name)
	}
}

func checkHealth(t *testing.T, m machine) {
	t.Helper()
	for _, daemon := range []string{"tower", "store"} {
		m.await(t, "/usr/bin/beck", "health", daemon) // the store has yet to meet the tower
	}
}

// checkRecords wants the lines of 1 to last in the store, in their order for each
// of the producers that wrote them.
func checkRecords(t *testing.T, m machine, last int) {
	t.Helper()
	got := lines(m.run(t, "", "/usr/bin/beck", "consume", "hello", "--from-beginning", "--end"))
	want := lines(numbers(1, last))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d records came, want the lines of 1 to %d", len(got), last)
	}
}

// checkRemoved wants the program gone and the records there.
func checkRemoved(t *testing.T, m machine) {
	t.Helper()
	for _, name := range installed {
		if m.exists(name) && !strings.HasPrefix(name, "/etc/") {
			t.Errorf("%s is still there", name)
		}
	}
	_, gid := m.lookup(t, "beck")
	checkOwner(t, m, "/var/lib/beck", 0o750, gid)
	if !m.exists("/var/lib/beck/store.json") {
		t.Error("the records are gone")
	}
}

// mayChange are the files that an installation that came and went may leave.
var mayChange = []string{
	"/var/lib/beck/", "/var/lib/dpkg/", "/var/lib/rpm-test/", "/var/log/", "/var/cache/",
	"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/.pwd.lock",
}

// checkLeft lists what the machine has that was not there before. It can do so where the
// machine is a copy.
func checkLeft(t *testing.T, m machine, passwd string, purged bool) {
	t.Helper()
	if now := lines(m.read(t, "/etc/passwd")); len(now) > len(lines(passwd))+1 {
		t.Errorf("there are more users than one: %q", now)
	}
	if m.root == "/" {
		return
	}
	changes := filepath.Join(filepath.Dir(m.root), "upper")
	err := filepath.WalkDir(changes, func(file string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(file, changes)
		allowed := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if err != nil || d.IsDir() || slices.ContainsFunc(mayChange, allowed) {
			return err
		}
		if purged || !strings.HasPrefix(name, "/etc/beck/") {
			t.Errorf("%s is left, or was taken", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func checkOwner(t *testing.T, m machine, name string, mode fs.FileMode, gid uint32) {
	t.Helper()
	info, err := os.Stat(m.path(name))
	if err != nil {
		t.Error(err)
		return
	}
	stat := info.Sys().(*syscall.Stat_t)
	if got := fs.FileMode(stat.Mode & 0o7777); got != mode || stat.Gid != gid {
		t.Errorf("%s has mode %o and group %d, want %o and %d", name, got, stat.Gid, mode, gid)
	}
}
