//go:build unix

package webtest

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testproc"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

// mesh is towers in processes of their own, and what has joined them.
type mesh struct {
	t        testing.TB
	urls     []string // of each tower's page
	towers   []*testproc.Process
	sub, pub []string // the towers' endpoints
}

// newMesh starts towers; args are further ones of `beck tower`.
func newMesh(t testing.TB, towers int, args ...string) *mesh {
	t.Helper()
	m := &mesh{t: t}
	for range towers {
		words := append([]string{"tower", "--sub", "tcp://127.0.0.1:0", "--pub", "tcp://127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)
		p, ready := m.run(words...)
		m.towers = append(m.towers, p)
		m.urls = append(m.urls, ready["http"])
		m.sub, m.pub = append(m.sub, ready["sub"]), append(m.pub, ready["pub"])
	}
	return m
}

// restartTower starts a tower that was killed again, on its ports.
func (m *mesh) restartTower(i int) {
	m.t.Helper()
	m.towers[i], _ = m.run("tower", "--sub", m.sub[i], "--pub", m.pub[i], "--http", strings.TrimPrefix(m.urls[i], "http://"))
}

// run starts a command of beck, which is killed with the test, and returns the
// fields of the line that says it is ready.
func (m *mesh) run(args ...string) (*testproc.Process, map[string]string) {
	m.t.Helper()
	var out, errOut testproc.Transcript
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	p, err := testproc.Start(cmd)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(p.Kill)
	until(m.t, args[0]+" is ready", func() bool { return out.Line("ready ") != "" || !p.Running() })
	ready := make(map[string]string)
	for _, word := range strings.Fields(out.Line("ready ")) {
		key, value, _ := strings.Cut(word, "=")
		ready[key] = value
	}
	if len(ready) == 0 {
		m.t.Fatalf("%s ended before it was ready: %s", args[0], errOut.Tail(2000))
	}
	return p, ready
}

// storeProcess starts a store that can be killed, and returns its address.
func (m *mesh) storeProcess() (*testproc.Process, string) {
	m.t.Helper()
	p, ready := m.run("store", "--data", filepath.Join(m.t.TempDir(), "data"), "--http", "off",
		"--sub", strings.Join(m.sub, ","), "--pub", strings.Join(m.pub, ","), "--listen", "127.0.0.1:0")
	return p, ready["address"]
}

func (m *mesh) node(name string) beck.NodeConfig {
	return beck.NodeConfig{Sub: m.sub, Pub: m.pub, Listen: "127.0.0.1:0", Name: name, Logger: slog.New(slog.DiscardHandler)}
}

func (m *mesh) store(name string, retain ...string) *store.Store {
	m.t.Helper()
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir, c.Retain = m.node(name), filepath.Join(m.t.TempDir(), "data"), retain
	s, err := store.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { s.Close() })
	return s
}

func (m *mesh) producer(name string) *producer.Producer {
	m.t.Helper()
	return m.producerWith(name, func(*producer.Config) {})
}

func (m *mesh) producerWith(name string, edit func(*producer.Config)) *producer.Producer {
	m.t.Helper()
	c := producer.DefaultConfig()
	c.NodeConfig = m.node(name)
	edit(&c)
	p, err := producer.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { p.Close() })
	return p
}

// publish publishes records and waits until a store has them.
func (m *mesh) publish(p *producer.Producer, records ...beck.Record) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.PublishBatch(ctx, records); err != nil {
		m.t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		m.t.Fatal(err)
	}
}

// publishing publishes what next makes, from 0 on, until the test ends.
func (m *mesh) publishing(p *producer.Producer, every time.Duration, next func(i int) beck.Record) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil && p.Publish(ctx, next(i)) == nil; i++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	m.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// consumer starts a consumer from the beginning, whose records are taken until the
// test ends, no faster than one each pace; 0 takes them as they come. With saves, it
// keeps its positions under that name.
func (m *mesh) consumer(name, saves string, pace time.Duration, topics ...string) *consumer.Consumer {
	m.t.Helper()
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics, c.Start, c.SaveAs = m.node(name), topics, consumer.Earliest, saves
	in, err := consumer.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		take(ctx, in, saves != "", pace)
	}()
	m.t.Cleanup(func() {
		cancel()
		<-done
		in.Close()
	})
	return in
}

// take takes records until the context ends, and saves how far that is about once a
// second.
func take(ctx context.Context, in *consumer.Consumer, saves bool, pace time.Duration) {
	saved := time.Now()
	for {
		if _, err := in.Poll(ctx, 1); err != nil {
			return
		}
		if saves && time.Since(saved) > time.Second {
			_ = in.Commit(ctx) // it fails with the context, as the next Poll does
			saved = time.Now()
		}
		select {
		case <-time.After(pace):
		case <-ctx.Done():
		}
	}
}

// name returns a name with a number, as programs that run several times have.
func name(what string, i int) string { return fmt.Sprintf("%s-%d", what, i) }
