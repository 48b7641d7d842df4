package producer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/beckmesh/beck"
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

// exampleMesh runs a tower and a store, and returns what nodes need to join them.
func exampleMesh() (node beck.NodeConfig, stop func()) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	tc := tower.DefaultConfig()
	tc.Sub, tc.Pub, tc.Logger = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", quiet
	t := must(tower.Start(tc))
	node = beck.NodeConfig{Sub: []string{t.Sub()}, Pub: []string{t.Pub()}, Listen: "127.0.0.1:0", Logger: quiet}
	sc := store.DefaultConfig()
	sc.NodeConfig, sc.Dir = node, must(os.MkdirTemp("", "store"))
	s := must(store.Start(sc))
	return node, func() {
		s.Close()
		t.Close()
		os.RemoveAll(sc.Dir)
	}
}

// exampleProducer joins a mesh of its own.
func exampleProducer() (p *producer.Producer, stop func()) {
	node, stopMesh := exampleMesh()
	config := producer.DefaultConfig()
	config.NodeConfig = node
	p = must(producer.Start(config))
	return p, func() {
		p.Close()
		stopMesh()
	}
}

// Publish returns as soon as the record is in the window: it waits only if that is
// full. Flush waits until the stores have everything.
func ExampleProducer_Publish() {
	p, stop := exampleProducer()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range 1000 {
		if err := p.Publish(ctx, beck.Record{Topic: "numbers", Value: fmt.Append(nil, i)}); err != nil {
			log.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Stats().Stored, "records stored")
	// Output: 1000 records stored
}

// PublishSync returns when MinStoreAcks stores have the record on disk.
func ExampleProducer_PublishSync() {
	p, stop := exampleProducer()
	defer stop()
	offset, err := p.PublishSync(context.Background(), beck.Record{
		Topic: "orders", Key: []byte("customer-7"), Value: []byte("two apples"),
		Headers: []beck.Header{{Name: "trace", Value: []byte("4bf92f35")}},
	})
	fmt.Println(offset.Topic, offset.Offset, offset.Partition == p.Address(), err)
	// Output: orders 0 true <nil>
}

// PublishFunc calls back when the record is stored, and does not wait.
func ExampleProducer_PublishFunc() {
	p, stop := exampleProducer()
	defer stop()
	var stored sync.WaitGroup
	for _, value := range []string{"a", "b", "c"} {
		stored.Add(1)
		p.PublishFunc(context.Background(), beck.Record{Topic: "letters", Value: []byte(value)}, func(at beck.Offset, err error) {
			defer stored.Done()
			fmt.Println(value, "is at", at.Offset, err)
		})
	}
	stored.Wait()
	// Output:
	// a is at 0 <nil>
	// b is at 1 <nil>
	// c is at 2 <nil>
}

// PublishBatch publishes many records at once, of one topic or several.
func ExampleProducer_PublishBatch() {
	p, stop := exampleProducer()
	defer stop()
	err := p.PublishBatch(context.Background(), []beck.Record{
		{Topic: "even", Value: []byte("2")},
		{Topic: "even", Value: []byte("4")},
		{Topic: "odd", Value: []byte("3")},
	})
	fmt.Println(p.NextOffset("even"), p.NextOffset("odd"), err)
	// Output: 2 1 <nil>
}

// TryPublish never waits.
func ExampleProducer_TryPublish() {
	config := producer.DefaultConfig()
	config.Sub, config.Pub = []string{"tcp://127.0.0.1:9"}, []string{"tcp://127.0.0.1:9"} // nobody is there
	config.Listen = "127.0.0.1:0"
	config.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	config.MessageBytes, config.WindowBytes = 64<<10, 128<<10
	p := must(producer.Start(config))
	defer p.Close()
	var err error
	for err == nil {
		err = p.TryPublish(beck.Record{Topic: "t", Value: make([]byte, 1<<10)})
	}
	fmt.Println(errors.Is(err, beck.ErrFull))
	// Output: true
}

// A journal keeps on disk what no store has yet. A producer that is started on it
// again, after a crash too, has the same address and goes on at the next offset.
func ExampleConfig_journal() {
	node, stop := exampleMesh()
	defer stop()
	config := producer.DefaultConfig()
	config.NodeConfig, config.Journal = node, must(os.MkdirTemp("", "journal"))
	defer os.RemoveAll(config.Journal)
	addresses := map[string]bool{}
	for range 2 {
		p := must(producer.Start(config))
		at := must(p.PublishSync(context.Background(), beck.Record{Topic: "events", Value: []byte("started")}))
		fmt.Println("offset", at.Offset)
		addresses[p.Address()] = true
		p.Close()
	}
	fmt.Println(len(addresses), "address")
	// Output:
	// offset 0
	// offset 1
	// 1 address
}

// Hooks tell of links and acknowledgements. They run without any lock of beck's.
func ExampleConfig_hooks() {
	node, stop := exampleMesh()
	defer stop()
	met, stored := make(chan string, 10), make(chan producer.Ack, 10)
	config := producer.DefaultConfig()
	config.NodeConfig = node
	config.OnConnect = func(peer beck.Peer) {
		if peer.Role == "store" {
			met <- peer.Role
		}
	}
	config.OnAck = func(a producer.Ack) { stored <- a }
	p := must(producer.Start(config))
	defer p.Close()
	fmt.Println("met a", <-met)
	if err := p.Publish(context.Background(), beck.Record{Topic: "t"}); err != nil {
		log.Fatal(err)
	}
	ack := <-stored
	fmt.Println("a store has everything of", ack.Topic, "before offset", ack.Next)
	// Output:
	// met a store
	// a store has everything of t before offset 1
}
