package producer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
)

// PublishFunc calls back also when the producer was closed before.
func TestPublishFuncAfterClose(t *testing.T) {
	p := testmesh.New(t).Producer(nil)
	p.Close()
	called := make(chan error, 2)
	for range 2 {
		p.PublishFunc(context.Background(), beck.Record{Topic: "t"}, func(_ beck.Offset, err error) { called <- err })
	}
	for range 2 {
		select {
		case err := <-called:
			if !errors.Is(err, beck.ErrClosed) {
				t.Errorf("called with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("not called")
		}
	}
}

// PublishSync does not wait for callbacks of others: they may call it, and take
// their time.
func TestPublishSyncInCallback(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	r := beck.Record{Topic: "t", Value: []byte("v")}
	done, release := make(chan error, 1), make(chan struct{})
	p.PublishFunc(ctx, r, func(beck.Offset, error) {
		_, err := p.PublishSync(ctx, r)
		done <- err
		<-release
	})
	if err := <-done; err != nil {
		t.Error(err)
	}
	if o, err := p.PublishSync(ctx, r); err != nil || o.Offset != 2 {
		t.Errorf("while a callback runs PublishSync returned %v, %v", o, err)
	}
	close(release)
}
