//go:build unix

package chaos

import "testing"

// location is where a node is, and how it finds its tower.
type location struct {
	wrap             []string // what its command is run by
	sub, pub, listen string   // for a tower: listen is nothing, sub and pub are bound
}

// network is what the nodes are connected by, and what can happen to it. Only
// one goroutine begins and ends faults.
type network interface {
	// kinds are the faults that it can do.
	kinds() []kind
	// location is where to start a node of this name.
	location(node string) location
	// begin and end do a fault to a node.
	begin(k kind, node string) error
	end(k kind, node string) error
	// close comes when all processes are gone.
	close() error
}

// networks makes those that there are, by name. One that this machine cannot
// have is an error.
var networks = map[string]func(t *testing.T) (network, error){
	"namespaces": newNamespaces,
	"proxies":    newProxies,
}

const (
	stores    = 3
	producers = 4
	consumers = 4
)

// networkNames has the better ones first.
var networkNames = []string{"namespaces", "proxies"}

// nodeNames are the nodes that faults happen to.
func nodeNames() []string {
	names := []string{"tower"}
	for _, of := range []struct {
		role  string
		count int
	}{{"store", stores}, {"producer", producers}, {"consumer", consumers}} {
		for i := range of.count {
			names = append(names, of.role+string(rune('0'+i)))
		}
	}
	return names
}
