package foreign_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "hello"

// join has nodes join the tower of a mesh.
func join(m *testmesh.Mesh, nodes ...interface{ Join(sub, pub string) }) {
	for _, n := range nodes {
		n.Join(m.Tower.Sub(), m.Tower.Pub())
	}
}

// consumerOf returns a node that subscribes as a C consumer of a topic does.
func consumerOf(t testing.TB, topics ...string) *foreign.Node {
	n := foreign.New(t)
	n.Want(n.Self(protocol.KindDirectRecord), n.Self(protocol.KindDirectHead), n.Self(protocol.KindStoreHello))
	for _, name := range topics {
		n.Want("M"+name, "H"+name)
	}
	return n
}

// checkMessages compares messages with their descriptions, and checks that they
// have the frames that a C node expects; and a trailer, which C nodes ignore, only
// where one belongs: in HEADs, and in records the one that is theirs.
func checkMessages(t *testing.T, got []foreign.Message, want ...string) {
	t.Helper()
	texts := make([]string, len(got))
	for i, m := range got {
		texts[i] = m.String()
		frames := 1
		if m.Kind.HasContent() {
			frames = 2
		}
		if m.Frames != frames {
			t.Errorf("%v has %d frames, want %d", m, m.Frames, frames)
		}
		if m.Kind.HasContent() {
			if _, err := protocol.ParseRecordTrailer(m.Trailer); err != nil || !protocol.Intact(m.Trailer, m.Content) {
				t.Errorf("%v has another's trailer: %v, %x", m, err, m.Trailer)
			}
		} else if len(m.Trailer) > 0 && m.Kind != protocol.KindHead {
			t.Errorf("%v has a trailer: %x", m, m.Trailer)
		}
	}
	if diff := cmp.Diff(append([]string{}, want...), texts); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// without drops the messages of some kinds.
func without(messages []foreign.Message, kinds ...protocol.Kind) []foreign.Message {
	return slices.DeleteFunc(messages, func(m foreign.Message) bool { return slices.Contains(kinds, m.Kind) })
}

// records describes records first to last of the topic, of kind k, with the
// values that numbered gives them.
func records(k protocol.Kind, first, last int) (texts []string) {
	for i := first; i <= last; i++ {
		texts = append(texts, fmt.Sprintf("%c %s %d %q", k, topic, i, numbered(i)))
	}
	return texts
}

// numbered is the value of a record.
func numbered(i int) string { return fmt.Sprintf("value %d", i) }
