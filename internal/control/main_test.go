package control_test

import (
	"testing"

	"go.uber.org/goleak"
)

// net/http lingers for half a second on a connection whose request it did not read.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
