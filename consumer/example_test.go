package consumer_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"sort"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// must ends an example that went wrong.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// exampleMesh is a tower, a store and a producer.
type exampleMesh struct {
	node beck.NodeConfig
	*producer.Producer
	stop func()
}

func newExampleMesh() *exampleMesh {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	tc := tower.DefaultConfig()
	tc.Sub, tc.Pub, tc.Logger = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", quiet
	t := must(tower.Start(tc))
	node := beck.NodeConfig{Sub: []string{t.Sub()}, Pub: []string{t.Pub()}, Listen: "127.0.0.1:0", Logger: quiet}
	sc := store.DefaultConfig()
	sc.NodeConfig, sc.Dir = node, must(os.MkdirTemp("", "store"))
	s := must(store.Start(sc))
	pc := producer.DefaultConfig()
	pc.NodeConfig = node
	p := must(producer.Start(pc))
	return &exampleMesh{node, p, func() {
		p.Close()
		s.Close()
		t.Close()
		os.RemoveAll(sc.Dir)
	}}
}

// publish stores records of a topic.
func (m *exampleMesh) publish(topic string, values ...string) {
	for _, v := range values {
		must(m.PublishSync(context.Background(), beck.Record{Topic: topic, Value: []byte(v)}))
	}
}

// config returns the settings of a consumer that reads topics from their beginning.
func (m *exampleMesh) config(topics ...string) consumer.Config {
	config := consumer.DefaultConfig()
	config.NodeConfig, config.Topics, config.Start = m.node, topics, consumer.Earliest
	return config
}

// next polls n records, and returns their values.
func next(c *consumer.Consumer, n int) (values []string) {
	for len(values) < n {
		for _, r := range must(c.Poll(context.Background(), n-len(values))) {
			values = append(values, string(r.Value))
		}
	}
	return values
}

// Records yields records as they come; with StopAtEnd, what there was at the start.
func ExampleConsumer_Records() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("colours", "red", "green", "blue")
	config := mesh.config("colours")
	config.StopAtEnd = true
	c := must(consumer.Start(config))
	defer c.Close()
	for record, err := range c.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s\n", record.Offset, record.Value)
	}
	// Output:
	// 0 red
	// 1 green
	// 2 blue
}

// Poll waits for the first record and returns those that are there.
func ExampleConsumer_Poll() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("colours", "red", "green", "blue")
	config := mesh.config("colours")
	config.StopAtEnd = true
	c := must(consumer.Start(config))
	defer c.Close()
	for {
		records, err := c.Poll(context.Background(), 100)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range records {
			fmt.Println(string(r.Value))
		}
	}
	// Output:
	// red
	// green
	// blue
}

// Patterns take topics that exist and those that are still to come.
func ExampleConfig_patterns() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("sensors.kitchen", "20°")
	mesh.publish("sensors.cellar", "12°")
	mesh.publish("sensors.cellar.humidity", "80 %")
	mesh.publish("doors.cellar", "open")
	config := mesh.config("sensors.*") // one level; "sensors.>" would be the rest
	config.StopAtEnd = true
	c := must(consumer.Start(config))
	defer c.Close()
	var lines []string
	for record, err := range c.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		lines = append(lines, record.Topic+" "+string(record.Value))
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	// Output:
	// sensors.cellar 12°
	// sensors.kitchen 20°
}

// A consumer may begin with the last records of each partition, at an offset, at a
// time, or at places of its own.
func ExampleConfig_start() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("letters", "a", "b", "c", "d", "e")
	for _, start := range []consumer.StartPosition{
		consumer.Last(2), consumer.AtOffset(1), consumer.AtTime(time.Now().Add(-time.Hour)),
	} {
		config := mesh.config("letters")
		config.Start = start
		c := must(consumer.Start(config))
		fmt.Println(next(c, 1))
		c.Close()
	}
	config := mesh.config("letters")
	config.StartAt = []beck.Offset{{Topic: "letters", Partition: mesh.Address(), Offset: 4}}
	c := must(consumer.Start(config))
	defer c.Close()
	fmt.Println(next(c, 1))
	// Output:
	// [d]
	// [b]
	// [a]
	// [e]
}

// Seek goes anywhere in a partition.
func ExampleConsumer_Seek() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("letters", "a", "b", "c", "d", "e")
	c := must(consumer.Start(mesh.config("letters")))
	defer c.Close()
	fmt.Println(next(c, 5))
	if err := c.Seek(beck.Offset{Topic: "letters", Partition: mesh.Address(), Offset: 3}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(next(c, 2))
	// Output:
	// [a b c d e]
	// [d e]
}

// SeekTime goes to the first record of each partition that was made at a time or
// later.
func ExampleConsumer_SeekTime() {
	mesh := newExampleMesh()
	defer mesh.stop()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for i, value := range []string{"11:58", "11:59", "12:00", "12:01"} {
		at := noon.Add(time.Duration(i-2) * time.Minute)
		must(mesh.PublishSync(context.Background(), beck.Record{Topic: "clock", Value: []byte(value), Time: at}))
	}
	c := must(consumer.Start(mesh.config("clock")))
	defer c.Close()
	fmt.Println(next(c, 4))
	if err := c.SeekTime(context.Background(), noon, "clock"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(next(c, 2))
	// Output:
	// [11:58 11:59 12:00 12:01]
	// [12:00 12:01]
}

// Pause stops a topic while the others go on. Nothing piles up meanwhile.
func ExampleConsumer_Pause() {
	mesh := newExampleMesh()
	defer mesh.stop()
	c := must(consumer.Start(mesh.config("fast", "slow")))
	defer c.Close()
	if err := c.Pause("slow"); err != nil {
		log.Fatal(err)
	}
	mesh.publish("slow", "later")
	mesh.publish("fast", "now")
	fmt.Println(next(c, 1))
	if err := c.Resume("slow"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(next(c, 1))
	// Output:
	// [now]
	// [later]
}

// Lag tells how many records the application was not given yet.
func ExampleConsumer_Lag() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("letters", "a", "b", "c", "d", "e")
	c := must(consumer.Start(mesh.config("letters")))
	defer c.Close()
	if err := c.Ready(context.Background()); err != nil {
		log.Fatal(err)
	}
	next(c, 2)
	for _, l := range c.Lag() {
		fmt.Printf("%s: next is %d of %d, %d behind\n", l.Topic, l.Next, l.Head, l.Records())
	}
	// Output: letters: next is 2 of 5, 3 behind
}

// A consumer with a name goes on where the last one of the name had committed.
func ExampleConsumer_Commit() {
	mesh := newExampleMesh()
	defer mesh.stop()
	mesh.publish("jobs", "wash", "dry", "iron", "fold")
	config := mesh.config("jobs")
	config.SaveAs = "laundry"
	for range 2 {
		c := must(consumer.Start(config))
		fmt.Println(next(c, 2))
		if err := c.Commit(context.Background()); err != nil {
			log.Fatal(err)
		}
		c.Close()
	}
	// Output:
	// [wash dry]
	// [iron fold]
}

// With Deliver Stored nothing is delivered that could still be lost with its
// producer.
func ExampleConfig_stored() {
	mesh := newExampleMesh()
	defer mesh.stop()
	config := mesh.config("payments")
	config.Deliver = consumer.Stored
	c := must(consumer.Start(config))
	defer c.Close()
	if err := mesh.Publish(context.Background(), beck.Record{Topic: "payments", Value: []byte("5 €")}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(next(c, 1))
	// Output: [5 €]
}

// Hooks tell of links, of what cannot be delivered, and of what did not fit.
func ExampleConfig_hooks() {
	mesh := newExampleMesh()
	defer mesh.stop()
	linked := make(chan string, 10)
	config := mesh.config("t")
	config.OnConnect = func(peer beck.Peer) {
		if peer.Role == "producer" {
			linked <- peer.Role
		}
	}
	config.OnDisconnect = func(peer beck.Peer, why error) { log.Println(peer.Role, "left:", why) }
	config.OnGap = func(gap consumer.Gap) { log.Println(gap) }
	config.OnDrop = func(drop consumer.Drop) { log.Println(drop.Records, "to be fetched again") }
	c := must(consumer.Start(config))
	defer c.Close()
	fmt.Println("linked to a", <-linked)
	// Output: linked to a producer
}
