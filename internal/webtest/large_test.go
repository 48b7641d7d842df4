//go:build unix

package webtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/beckmesh/beck"
)

// source is a producer of the large mesh.
type source struct {
	name, topic string
	every       time.Duration
	value       func(rnd *rand.Rand, i int) []byte
}

var sources = []source{
	{"checkout-1", "orders", 20 * time.Millisecond, order},
	{"checkout-2", "orders", 27 * time.Millisecond, order},
	{"payments", "payments", 45 * time.Millisecond, order},
	{"web-1", "clicks", 4 * time.Millisecond, click},
	{"web-2", "clicks", 5 * time.Millisecond, click},
	{"web-3", "clicks", 7 * time.Millisecond, click},
	{"sensors-north", "sensors.temperature", 15 * time.Millisecond, measure},
	{"sensors-south", "sensors.temperature", 24 * time.Millisecond, measure},
	{"camera-gate", "images.gate", 400 * time.Millisecond, image},
	{"audit", "audit.logins", 800 * time.Millisecond, click},
}

// readers are the consumers of the large mesh: a name, the name that they save as,
// and topics.
var readers = [][]string{
	{"billing", "billing", "orders", "payments"},
	{"fraud", "fraud", "payments", "clicks", "audit.>"},
	{"search-index", "search", "orders"},
	{"warehouse", "warehouse", ">"},
	{"dashboard-1", "", "clicks", "sensors.*"},
	{"dashboard-2", "", "clicks", "sensors.*"},
	{"alerts", "", "sensors.*"},
	{"mailer", "mailer", "orders"},
	{"gate-vision", "", "images.gate"},
	{"archive", "", "audit.>"},
}

// large is a mesh of two towers, three stores, ten producers and ten consumers, all
// of which do something. One consumer is slow.
func large(t testing.TB) *mesh {
	m := newMesh(t, 2)
	for i := range 3 {
		m.store(name("store", i+1), "sensors.>=records:2000")
	}
	for i, s := range sources {
		rnd := rand.New(rand.NewPCG(uint64(i), 1))
		m.publishing(m.producer(s.name), s.every, func(i int) beck.Record {
			return beck.Record{
				Topic: s.topic, Key: fmt.Appendf(nil, "%s-%d", s.topic[:2], rnd.IntN(500)), Value: s.value(rnd, i),
				Headers: []beck.Header{{Name: "source", Value: []byte(s.name)}, {Name: "schema", Value: []byte("3")}},
			}
		})
	}
	for _, r := range readers {
		pace := time.Duration(0)
		if r[0] == "search-index" {
			pace = 40 * time.Millisecond
		}
		m.consumer(r[0], r[1], pace, r[2:]...)
	}
	return m
}

func order(rnd *rand.Rand, i int) []byte {
	return marshal(map[string]any{
		"id": 10_000 + i, "customer": fmt.Sprintf("c-%04d", rnd.IntN(9000)), "currency": "EUR", "total": float64(rnd.IntN(50_000)) / 100,
		"items": []map[string]any{{"sku": fmt.Sprintf("A-%03d", rnd.IntN(400)), "count": 1 + rnd.IntN(4)}}, "express": rnd.IntN(3) == 0, "note": nil,
	})
}

func click(rnd *rand.Rand, i int) []byte {
	paths := []string{"/", "/cart", "/search?q=lamp", "/product/118", "/product/7", "/account"}
	return marshal(map[string]any{"path": paths[rnd.IntN(len(paths))], "ms": 5 + rnd.IntN(200), "session": fmt.Sprintf("%08x", rnd.Uint32())})
}

func measure(rnd *rand.Rand, i int) []byte {
	return fmt.Appendf(nil, "%.2f", 12+rnd.Float64()*9)
}

// image is what is no text.
func image(rnd *rand.Rand, _ int) []byte {
	b := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 600)...)
	for i := 8; i < len(b); i++ {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// TestHold runs the large mesh for who wants to look at it: -args -hold 1h.
func TestHold(t *testing.T) {
	if *holdFlag == 0 {
		t.Skip("for people: -args -hold 1h")
	}
	m := large(t)
	fmt.Println("look at", m.urls)
	<-time.After(*holdFlag)
}
