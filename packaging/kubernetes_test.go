package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const (
	kubernetesDir = "../deploy/kubernetes"
	podIP         = "10.1.2.3" // stands for that of any pod
)

// cluster is what the manifests say, by kind.
type cluster struct {
	sets     []*apps.StatefulSet
	services map[string]*core.Service
	budgets  []*policy.PodDisruptionBudget
	policies []*networking.NetworkPolicy
}

// kustomization is what is read of kustomization.yaml here.
type kustomization struct {
	Resources []string
	Labels    []struct{ Pairs map[string]string }
	ConfigMap []struct {
		Name  string
		Files []string
	} `yaml:"configMapGenerator"`
	Secret []struct {
		Name  string
		Files []string
	} `yaml:"secretGenerator"`
}

func readKustomization(t *testing.T) (k kustomization) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(kubernetesDir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yamlv3.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// readCluster reads the resources, in which no field may be unknown to Kubernetes.
func readCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{services: make(map[string]*core.Service)}
	for _, name := range readKustomization(t).Resources {
		data, err := os.ReadFile(filepath.Join(kubernetesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documentsOf(t, data) {
			if err := c.add(document); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	return c
}

// documentsOf splits a file.
func documentsOf(t *testing.T, data []byte) (all [][]byte) {
	t.Helper()
	for in := yamlv3.NewDecoder(bytes.NewReader(data)); ; {
		var document any
		if err := in.Decode(&document); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		text, err := yamlv3.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
}

func (c *cluster) add(document []byte) error {
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	read := func(into any) error { return yaml.UnmarshalStrict(document, into) }
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		return read(new(core.Namespace))
	case "v1 Service":
		s := new(core.Service)
		err := read(s)
		c.services[s.Name] = s
		return err
	case "apps/v1 StatefulSet":
		c.sets = append(c.sets, new(apps.StatefulSet))
		return read(c.sets[len(c.sets)-1])
	case "policy/v1 PodDisruptionBudget":
		c.budgets = append(c.budgets, new(policy.PodDisruptionBudget))
		return read(c.budgets[len(c.budgets)-1])
	case "networking.k8s.io/v1 NetworkPolicy":
		c.policies = append(c.policies, new(networking.NetworkPolicy))
		return read(c.policies[len(c.policies)-1])
	}
	return fmt.Errorf("a %s %s, which is not looked at here", kind.APIVersion, kind.Kind)
}

// kubernetesCall is what a container runs.
func kubernetesCall(t *testing.T, pod *core.PodSpec, container *core.Container) call {
	t.Helper()
	c := call{args: container.Args, env: imageEnvironment(t)}
	for _, variable := range container.Env {
		value := variable.Value
		if from := variable.ValueFrom; from != nil && from.FieldRef != nil && from.FieldRef.FieldPath == "status.podIP" {
			value = podIP
		}
		c.env = append(c.env, variable.Name+"="+value)
	}
	for _, mount := range container.VolumeMounts {
		if mount.MountPath != "/etc/beck/beck.yaml" {
			continue
		}
		for _, volume := range pod.Volumes {
			if volume.Name == mount.Name {
				c.config = generated(t, volume.ConfigMap.Name, mount.SubPath)
			}
		}
	}
	return c
}

// generated returns the file that a configuration map is made of.
func generated(t *testing.T, name, key string) string {
	t.Helper()
	for _, g := range readKustomization(t).ConfigMap {
		for _, file := range g.Files {
			if g.Name == name && filepath.Base(file) == key {
				path, err := filepath.Abs(filepath.Join(kubernetesDir, file))
				if err != nil {
					t.Fatal(err)
				}
				return path
			}
		}
	}
	t.Fatalf("no configuration map %s with %s", name, key)
	return ""
}

// TestKubernetesCommands has beck parse what the containers run, with their
// configuration, and compares that with the ports and probes of the pods.
func TestKubernetesCommands(t *testing.T) {
	for _, set := range readCluster(t).sets {
		t.Run(set.Name, func(t *testing.T) {
			pod := &set.Spec.Template.Spec
			container := &pod.Containers[0]
			settings := kubernetesCall(t, pod, container).check(t)
			role := container.Args[0]
			ports := make(map[string]string)
			for _, p := range container.Ports {
				ports[p.Name] = fmt.Sprintf(":%d", p.ContainerPort)
			}
			want := map[string]string{"http": settings[role+".http"]}
			if role == "store" {
				want["mesh"] = settings["store.listen"]
				if settings["store.host"] != podIP {
					t.Errorf("it announces %q, want the address of the pod", settings["store.host"])
				}
				checkVolume(t, set, settings["store.data"])
			} else {
				want["sub"], want["pub"] = portOf(settings["tower.sub"]), portOf(settings["tower.pub"])
			}
			if fmt.Sprint(ports) != fmt.Sprint(want) {
				t.Errorf("the ports are %v, but beck's are %v", ports, want)
			}
			for what, p := range map[string]*core.Probe{"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
				if p == nil || p.HTTPGet == nil || p.HTTPGet.Port.StrVal != "http" || p.HTTPGet.Scheme != core.URISchemeHTTPS {
					t.Errorf("the %s probe is %v, want HTTPS on the port http", what, p)
				}
			}
			checkSecret(t, pod, container, settings, role)
		})
	}
}

// portOf returns the port of "tcp://*:5556", or of a list of one, as ":5556".
func portOf(endpoint string) string {
	text := strings.Trim(endpoint, `[]"`)
	return text[strings.LastIndex(text, ":"):]
}

// checkVolume wants the data of a store on a volume of its own.
func checkVolume(t *testing.T, set *apps.StatefulSet, dir string) {
	t.Helper()
	for _, mount := range set.Spec.Template.Spec.Containers[0].VolumeMounts {
		for _, claim := range set.Spec.VolumeClaimTemplates {
			if mount.Name == claim.Name && mount.MountPath == dir {
				return
			}
		}
	}
	t.Errorf("no claim of a volume is mounted at %s", dir)
}

// checkSecret wants the files for HTTP where the secret is mounted.
func checkSecret(t *testing.T, pod *core.PodSpec, container *core.Container, settings map[string]string, role string) {
	t.Helper()
	var have []string
	for _, mount := range container.VolumeMounts {
		for _, volume := range pod.Volumes {
			if volume.Name != mount.Name || volume.Secret == nil {
				continue
			}
			for _, g := range readKustomization(t).Secret {
				for _, file := range g.Files {
					if g.Name == volume.Secret.SecretName {
						have = append(have, filepath.Join(mount.MountPath, filepath.Base(file)))
					}
				}
			}
		}
	}
	for _, key := range []string{".http-cert", ".http-key", ".http-token-file"} {
		if !slices.Contains(have, settings[role+key]) {
			t.Errorf("%s%s is %q, and the secret has %q", role, key, settings[role+key], have)
		}
	}
}

// TestKubernetesNames: what names something else names it as it is called.
func TestKubernetesNames(t *testing.T) {
	c := readCluster(t)
	pods := make(map[string]map[string]string) // labels, by set
	var ports []int32
	for _, set := range c.sets {
		pods[set.Name] = set.Spec.Template.Labels
		service := c.services[set.Spec.ServiceName]
		if service == nil || service.Spec.ClusterIP != core.ClusterIPNone || !within(service.Spec.Selector, pods[set.Name]) {
			t.Fatalf("%s: its service is %v, want a headless one of its pods", set.Name, service)
		}
		if !within(set.Spec.Selector.MatchLabels, pods[set.Name]) {
			t.Errorf("%s does not select its own pods", set.Name)
		}
		names := make(map[string]int32)
		for _, p := range set.Spec.Template.Spec.Containers[0].Ports {
			names[p.Name], ports = p.ContainerPort, append(ports, p.ContainerPort)
		}
		for _, p := range service.Spec.Ports {
			if names[p.TargetPort.StrVal] != p.Port {
				t.Errorf("%s: port %d leads to %q, which is %d", service.Name, p.Port, p.TargetPort.StrVal, names[p.TargetPort.StrVal])
			}
		}
		if !slices.ContainsFunc(c.budgets, func(b *policy.PodDisruptionBudget) bool {
			return within(b.Spec.Selector.MatchLabels, pods[set.Name])
		}) {
			t.Errorf("%s has no budget of disruptions", set.Name)
		}
	}
	var open []int32
	for _, p := range c.policies {
		for _, rule := range p.Spec.Ingress {
			for _, port := range rule.Ports {
				open = append(open, port.Port.IntVal)
			}
		}
		if !within(p.Spec.PodSelector.MatchLabels, readKustomization(t).Labels[0].Pairs) {
			t.Errorf("the policy %s is for pods with %v, which none has", p.Name, p.Spec.PodSelector.MatchLabels)
		}
	}
	slices.Sort(ports)
	slices.Sort(open)
	if !slices.Equal(ports, open) {
		t.Errorf("the pods listen on %v, the policy lets through %v", ports, open)
	}
}

func within(some, all map[string]string) bool {
	for key, value := range some {
		if all[key] != value {
			return false
		}
	}
	return len(some) > 0
}

// TestKustomize has kubectl put the manifests together, where it is there. It asks no
// cluster.
func TestKustomize(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("there is no kubectl")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(kubernetesDir)); err != nil {
		t.Fatal(err)
	}
	for _, g := range readKustomization(t).Secret {
		for _, file := range g.Files {
			path := filepath.Join(dir, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	kustomization := filepath.Join(dir, "kustomization.yaml")
	text, err := os.ReadFile(kustomization)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.ReplaceAll(strings.ReplaceAll(string(text), "\n#components:", "\ncomponents:"), "\n#- monitoring", "\n- monitoring")
	if err := os.WriteFile(kustomization, []byte(all), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(kubectl, "kustomize", dir)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"kind: StatefulSet", "kind: PodMonitor", "kind: Secret", "name: beck-http\n", "image: beckmesh/beck:latest"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in it", want)
		}
	}
}
