package beck_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// A whole mesh in one process: a tower that introduces the nodes to each other, a
// store, a producer and a consumer. Elsewhere each may be a process of its own, and
// `beck up` runs the first two.
func Example() {
	ctx := context.Background()

	towers := tower.DefaultConfig()
	towers.Sub, towers.Pub = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0" // any free ports
	t, err := tower.Start(towers)
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	node := beck.NodeConfig{Sub: []string{t.Sub()}, Pub: []string{t.Pub()}, Listen: "127.0.0.1:0"}

	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	keep := store.DefaultConfig()
	keep.NodeConfig, keep.Dir = node, dir
	s, err := store.Start(keep)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	publish := producer.DefaultConfig() // waits for one store
	publish.NodeConfig = node
	p, err := producer.Start(publish)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	offset, err := p.PublishSync(ctx, beck.Record{Topic: "greetings", Key: []byte("en"), Value: []byte("hello")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored at offset", offset.Offset)

	read := consumer.DefaultConfig()
	read.NodeConfig, read.Topics, read.Start = node, []string{"greetings"}, consumer.Earliest
	c, err := consumer.Start(read)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for record, err := range c.Records(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s=%s\n", record.Topic, record.Key, record.Value)
		break
	}
	// Output:
	// stored at offset 0
	// greetings: en=hello
}
