package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const (
	composeDir = "../deploy/compose"
	image      = "beckmesh/beck"
)

func composeProject(t *testing.T) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(composeDir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml")}},
	}, func(o *loader.Options) { o.Profiles = []string{"*"} })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// composeCall is what a container of a service runs.
func composeCall(t *testing.T, s *types.ServiceConfig) call {
	t.Helper()
	c := call{args: s.Command, env: imageEnvironment(t)}
	for name, value := range s.Environment {
		c.env = append(c.env, name+"="+*value)
	}
	return c
}

// TestComposeCommands has beck parse what compose.yaml has it run.
func TestComposeCommands(t *testing.T) {
	stores := 0
	for name, s := range composeProject(t).Services {
		if !strings.HasPrefix(s.Image, image+":") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := composeCall(t, &s)
			settings := c.check(t)
			if s.HealthCheck != nil && !s.HealthCheck.Disable {
				test := s.HealthCheck.Test
				if len(test) < 3 || test[0] != "CMD" || test[1] != "/usr/bin/beck" {
					t.Fatalf("its health check is %q, want CMD and the program: there is no shell", test)
				}
				c.args = test[2:]
				c.check(t)
			}
			if c.args = s.Command; c.args[0] == "store" {
				stores++
				if s.Hostname == "" || settings["store.data"] != "/var/lib/beck" {
					t.Errorf("host name %q, data in %q: want a name that stays and the volume", s.Hostname, settings["store.data"])
				}
			}
		})
	}
	if stores != 3 {
		t.Errorf("%d stores, want 3", stores)
	}
}

// TestComposeFiles: what is mounted from the sources is there, and nothing is published
// beyond this machine.
func TestComposeFiles(t *testing.T) {
	for name, s := range composeProject(t).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if info, err := os.Stat(v.Source); err != nil || info.IsDir() {
				t.Errorf("%s mounts %s, which is no file of the sources", name, v.Source)
			}
		}
		for _, p := range s.Ports {
			if ip := net.ParseIP(p.HostIP); ip == nil || !ip.IsLoopback() {
				t.Errorf("%s publishes port %s on %q, want this machine alone", name, p.Published, p.HostIP)
			}
		}
	}
}

// scrapeTargets are what Prometheus asks.
func scrapeTargets(t *testing.T) (targets []string) {
	t.Helper()
	var config struct {
		Scrape []struct {
			Job    string `yaml:"job_name"`
			Static []struct {
				Targets []string
				Labels  map[string]string
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, filepath.Join(composeDir, "prometheus.yaml"), &config)
	for _, s := range config.Scrape {
		for _, static := range s.Static {
			targets = append(targets, static.Targets...)
			if !strings.HasPrefix(s.Job, "beck") || len(static.Labels) > 0 {
				t.Errorf("job %s with labels %v: rules and dashboard go by jobs that begin with beck, and by beck's own labels", s.Job, static.Labels)
			}
		}
	}
	return targets
}

// TestComposePrometheus: Prometheus asks each daemon where it serves HTTP, by a name
// that its certificate has.
func TestComposePrometheus(t *testing.T) {
	p := composeProject(t)
	targets, cert := scrapeTargets(t), p.Services["cert"].Command
	var want []string
	for name, s := range p.Services {
		c := composeCall(t, &s)
		if !strings.HasPrefix(s.Image, image+":") || !slices.Contains([]string{"tower", "store"}, s.Command[0]) {
			continue
		}
		want = append(want, name+c.settings(t)[s.Command[0]+".http"])
		if !slices.Contains(cert, name) {
			t.Errorf("the certificate has no name %s", name)
		}
	}
	slices.Sort(want)
	slices.Sort(targets)
	if !slices.Equal(targets, want) {
		t.Errorf("Prometheus asks %q, want %q", targets, want)
	}
}
