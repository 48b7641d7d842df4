package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	core "k8s.io/api/core/v1"
)

// TestComposeMesh runs the mesh of compose.yaml without Docker: its commands with their
// environment, networks and volumes, as the user of the image.
func TestComposeMesh(t *testing.T) { inBoxes(t, composeMesh) }

func composeMesh(t *testing.T, m machine, program string) {
	var all []*box
	p := composeProject(t)
	for name, s := range p.Services {
		if !strings.HasPrefix(s.Image, image+":") {
			continue
		}
		x := &box{name: name, names: []string{name}, host: s.Hostname, call: composeCall(t, &s), mounts: make(map[string]string)}
		if x.host == "" {
			x.host = "container-of-" + name
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeVolume {
				x.mounts[v.Target] = "/volumes/" + v.Source
			}
		}
		all = append(all, x)
	}
	b := newBoxes(t, m, program, all)
	for name := range p.Volumes { // Docker gives a volume the owner that the image has at its place
		b.volume("/volumes/"+name, boxUser+":"+boxUser, "755")
	}
	b.run("cert", "", b.all["cert"].call.args...)
	for name, s := range p.Services {
		if _, ours := b.all[name]; ours && s.HealthCheck != nil && !s.HealthCheck.Disable {
			b.start(name)
		}
	}
	for name, s := range p.Services {
		if _, ours := b.all[name]; ours && s.HealthCheck != nil && !s.HealthCheck.Disable {
			b.await(name, s.HealthCheck.Test[2:]...)
		}
	}
	b.stream("beck", 3)
	for _, target := range scrapeTargets(t) {
		if body := b.get("https://"+target+"/metrics", "/volumes/http", ""); !strings.Contains(body, "\nbeck_") {
			t.Errorf("%s has no metrics of beck: %s", target, body)
		}
	}
}

// TestKubernetesMesh runs the pods of the manifests without Kubernetes.
func TestKubernetesMesh(t *testing.T) { inBoxes(t, kubernetesMesh) }

func kubernetesMesh(t *testing.T, m machine, program string) {
	all := []*box{{name: "client", names: []string{"client"}, host: "client"}}
	sets := readCluster(t).sets
	for _, set := range sets {
		for i := range int(*set.Spec.Replicas) {
			name := fmt.Sprintf("%s-%d", set.Name, i)
			all = append(all, &box{name: name, names: []string{name + "." + set.Spec.ServiceName}, host: name})
		}
	}
	b := newBoxes(t, m, program, all)
	b.volume("/volumes/http", "root:"+boxUser, "755")
	m.run(t, "", "/usr/bin/beck", "cert", "/volumes/http", "--name", "beck-tower", "--name", "beck-store")
	m.run(t, "", "/bin/chgrp", "-R", boxUser, "/volumes/http") // fsGroup
	for _, set := range sets {
		pod := &set.Spec.Template.Spec
		for i := range int(*set.Spec.Replicas) {
			x := b.all[fmt.Sprintf("%s-%d", set.Name, i)]
			x.call = kubernetesCall(t, pod, &pod.Containers[0])
			for j, v := range x.call.env {
				x.call.env[j] = strings.Replace(v, podIP, x.addr, 1)
			}
			x.mounts = b.podMounts(x, pod)
			b.start(x.name)
		}
	}
	b.all["client"].mounts = map[string]string{"/etc/beck/beck.yaml": "/volumes/beck.yaml"}
	for _, set := range sets {
		for i := range int(*set.Spec.Replicas) {
			name := fmt.Sprintf("%s-%d", set.Name, i)
			b.await(name, "health", set.Spec.Template.Spec.Containers[0].Args[0])
			b.probe(b.all[name], &set.Spec.Template.Spec.Containers[0])
		}
	}
	b.stream("client", 3)
}

// podMounts puts the volumes of a pod on the machine.
func (b *boxes) podMounts(x *box, pod *core.PodSpec) map[string]string {
	b.t.Helper()
	mounts := make(map[string]string)
	for _, mount := range pod.Containers[0].VolumeMounts {
		switch mount.Name {
		case "config":
			text, err := os.ReadFile(x.call.config)
			if err == nil {
				err = os.WriteFile(b.m.path("/volumes/beck.yaml"), text, 0o644)
			}
			if err != nil {
				b.t.Fatal(err)
			}
			mounts[mount.MountPath] = "/volumes/beck.yaml"
		case "http":
			mounts[mount.MountPath] = "/volumes/http"
		default:
			dir := filepath.Join("/volumes", x.name)
			b.volume(dir, "root:"+boxUser, "2775") // fsGroup
			mounts[mount.MountPath] = dir
		}
	}
	return mounts
}

// probe asks a pod what its probes ask, and for its metrics as Prometheus' operator
// does.
func (b *boxes) probe(x *box, container *core.Container) {
	b.t.Helper()
	port := ""
	for _, p := range container.Ports {
		if p.Name == container.ReadinessProbe.HTTPGet.Port.StrVal {
			port = fmt.Sprint(p.ContainerPort)
		}
	}
	for _, path := range []string{container.LivenessProbe.HTTPGet.Path, container.ReadinessProbe.HTTPGet.Path, "/metrics"} {
		b.get("https://"+x.addr+":"+port+path, "/volumes/http", "beck-store")
	}
}
