package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// The names of roles in reports.
const (
	roleTower    = "tower"
	roleStore    = "store"
	roleProducer = "producer"
	roleConsumer = "consumer"
)

// Role is what one process of a run does.
type Role struct {
	Role   string         `json:"role"`
	Sub    []string       `json:"sub,omitempty"`
	Pub    []string       `json:"pub,omitempty"`
	Listen string         `json:"listen,omitempty"`
	Host   string         `json:"host,omitempty"`
	Topic  string         `json:"topic,omitempty"` // what the names of its topics begin with
	Shape  workload.Shape `json:"shape"`

	Dir string `json:"dir,omitempty"` // of a store

	Index  int     `json:"index,omitempty"`  // of a producer
	Acks   int     `json:"acks,omitempty"`   // stores that must have a record
	Batch  int     `json:"batch,omitempty"`  // records handed over at once
	Rate   int     `json:"rate,omitempty"`   // records per second; 0 for as fast as it goes
	Links  int     `json:"links,omitempty"`  // nodes that must listen before it is ready
	Credit bool    `json:"credit,omitempty"` // it sends only what it was given credit for
	Lose   *uint64 `json:"lose,omitempty"`   // a record to leave out

	HTTP bool `json:"http,omitempty"` // its metrics are served

	ToEnd bool `json:"to_end,omitempty"` // a consumer of what is stored, which begins at once
	First bool `json:"first,omitempty"`  // a consumer of one record, which begins at once

	edit func(*beck.NodeConfig) // may be nil
}

// times is the result of a producer or consumer, in nanoseconds since the
// epoch: all processes of a run share this machine's clock.
type times struct {
	Begin   int64             `json:"begin"` // the first Publish; the first record
	End     int64             `json:"end"`   // all acknowledged, where that is waited for; the last record
	Latency *workload.Latency `json:"latency,omitempty"`
}

// RunRole carries out the role that text describes, and returns the exit status
// of the process. What a node has to say goes to log; edit, which may be nil, changes
// the settings of its node.
func RunRole(ctx context.Context, text string, in io.Reader, out, log io.Writer, edit func(*beck.NodeConfig)) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	return procs.Run(ctx, in, out, func(w *procs.Worker) (err error) {
		r := Role{edit: edit}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("role %q: %w", text, err)
		}
		stop, err := profile(r.Role)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		return r.run(w)
	})
}

func (r Role) run(w *procs.Worker) error {
	switch r.Role {
	case roleTower:
		return r.tower(w)
	case roleStore:
		return r.store(w)
	case roleProducer:
		return r.produce(w)
	case roleConsumer:
		return r.consume(w)
	}
	return fmt.Errorf("there is no role %q", r.Role)
}

// node returns the settings of the role's node.
func (r Role) node() beck.NodeConfig {
	c := beck.NodeConfig{Sub: r.Sub, Pub: r.Pub, Listen: r.Listen, Host: r.Host}.WithDefaults()
	if r.edit != nil {
		r.edit(&c)
	}
	return c
}

// topics returns the names of all topics of the run.
func (r Role) topics() []string {
	names := make([]string, r.Shape.Topics)
	for i := range names {
		names[i] = r.Topic + "-" + strconv.Itoa(i)
	}
	return names
}

// json returns the role as an argument of its process.
func (r Role) json() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it has nothing that cannot be encoded
	}
	return string(text)
}
