package core

import (
	"testing"

	"github.com/beckmesh/beck/protocol"
)

func TestLivesInOrder(t *testing.T) {
	at := func(epoch uint64, since int64, uuid string) *Life {
		return &Life{Address: uuid, Last: protocol.Positions{Epoch: epoch, Since: since}}
	}
	lives := []*Life{at(1, 9, "B"), at(2, 1, "B"), at(2, 2, "A"), at(2, 2, "B"), at(3, 0, "A")}
	for i, l := range lives {
		for j, m := range lives {
			if got := l.After(m); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("life %d after %d: %d", i, j, got)
			}
		}
	}
}
