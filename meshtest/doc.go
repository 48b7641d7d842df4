// Package meshtest gives a test of an application a mesh of its own, in the
// process and gone with the test:
//
//	func TestOrders(t *testing.T) {
//		m := meshtest.New(t)
//		app := orders.New(m.ProducerConfig(), m.ConsumerConfig("requests"))
//		m.Publish("requests", "two apples")
//		app.Step()
//		m.Expect("orders", "two apples at 3.00")
//	}
//
// The mesh is a tower and, unless [Stores] says otherwise, one store: the same
// code that runs in production, with real directories on the disk. Its links
// are in the memory of the process, so that it takes no ports, cannot meet
// another mesh, and can be taken apart: see [Mesh.Partition] and
// [Mesh.KillStore]. With [OnPorts] it uses ports of 127.0.0.1 instead, for
// programs outside of the process.
//
// Whatever goes wrong in the mesh itself fails the test. Nothing of it is left
// when the test has ended, no goroutine either.
package meshtest
