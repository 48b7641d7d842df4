package httpd

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// conns are the connections that are there, and bounds them. When there are too
// many, the one goes that has had nothing to do for longest; if each is being
// answered, the new one.
type conns struct {
	most int

	mu   sync.Mutex
	all  map[net.Conn]*list.Element // nil: it is being answered
	idle *list.List                 // of net.Conn, the longest idle first
}

func newConns(most int) *conns {
	return &conns{most: most, all: make(map[net.Conn]*list.Element), idle: list.New()}
}

// changed is called by net/http with each state of a connection.
func (c *conns) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.all[conn]; e != nil {
		c.idle.Remove(e)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.all[conn] = c.idle.PushBack(conn)
		if len(c.all) > c.most {
			c.drop(c.idle.Front())
		}
	case http.StateActive:
		c.all[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.all, conn)
	}
}

// drop closes an idle connection. net/http then says that it is closed.
func (c *conns) drop(e *list.Element) {
	conn := c.idle.Remove(e).(net.Conn)
	delete(c.all, conn)
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // a TLS goodbye could wait for the peer
	}
	_ = conn.Close() // nothing was to be said to it
}
