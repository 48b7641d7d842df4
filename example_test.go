package beck_test

import (
	"context"
	"fmt"
	"log"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/producer"
)

// A producer that returns when a store has the record on disk. It needs a mesh,
// such as the one that `beck up` runs.
func Example_publish() {
	config := producer.DefaultConfig()
	config.MinStoreAcks = 1 // keep each record until one store has it
	p, err := producer.Start(config)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	offset, err := p.PublishSync(context.Background(), beck.Record{Topic: "hello", Value: []byte("world")})
	fmt.Println(offset, err) // returns when it is stored
}

// A consumer that reads a topic from its first record on.
func Example_consume() {
	config := consumer.DefaultConfig()
	config.Topics = []string{"hello"}
	config.Start = consumer.Earliest
	c, err := consumer.Start(config)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for record, err := range c.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s@%d %s\n", record.Partition, record.Offset, record.Value)
	}
}
