package meshtest_test

import (
	"fmt"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/meshtest"
	"github.com/beckmesh/beck/producer"
)

// shout is a program to be tested: it answers one record of "said" on "shouted".
func shout(from consumer.Config, to producer.Config, m *meshtest.Mesh) error {
	c, err := consumer.Start(from)
	if err != nil {
		return err
	}
	defer c.Close()
	p, err := producer.Start(to)
	if err != nil {
		return err
	}
	defer p.Close()
	heard, err := c.Poll(m.Context(), 1)
	if err != nil {
		return err
	}
	answer := strings.ToUpper(string(heard[0].Value))
	_, err = p.PublishSync(m.Context(), beck.Record{Topic: "shouted", Value: []byte(answer)})
	return err
}

// A program is given the settings of a mesh that ends with the test. Here t is
// what every test has.
func ExampleNew() {
	t := newT()
	defer t.end()

	m := meshtest.New(t)
	m.Publish("said", "hello")
	if err := shout(m.ConsumerConfig("said"), m.ProducerConfig(), m); err != nil {
		t.Fatal(err)
	}
	m.Expect("shouted", "HELLO")
	fmt.Println(m.Values("shouted"))
	// Output: [HELLO]
}

// What happens when a store dies, and comes back?
func ExampleMesh_KillStore() {
	t := newT()
	defer t.end()

	m := meshtest.New(t, meshtest.Stores(2))
	first := m.Stores()[0]
	m.KillStore(first)
	m.Publish("events", "while it was away")
	m.RestartStore(first)
	fmt.Println(m.Values("events"))
	// Output: [while it was away]
}

// What happens when a producer loses the network?
func ExampleMesh_Partition() {
	t := newT()
	defer t.end()

	m := meshtest.New(t)
	p := m.Producer()
	m.Partition(p)
	if err := p.Publish(m.Context(), beck.Record{Topic: "events", Value: []byte("kept meanwhile")}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("not stored yet:", p.Stats().Unstored)
	m.Heal()
	m.Expect("events", "kept meanwhile")
	if err := p.Flush(m.Context()); err != nil {
		t.Fatal(err)
	}
	fmt.Println("stored:", p.Stats().Stored)
	// Output:
	// not stored yet: 1
	// stored: 1
}
