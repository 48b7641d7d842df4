package sim
import ("testing";"fmt")
func TestDet(t *testing.T) {
	bad := 0
	for s := *first; s < *first+int64(*seeds); s++ {
		w := Run(s, false)
		for range 2 {
			v := Run(s, false)
			if v.happened != w.happened {
				fmt.Println("differs", s, w.happened, v.happened, "dmg", w.Faults["disk damaged"], "sync", w.Faults["sync failed"], "C", w.Faults["history with C nodes"], "looked", w.Faults["disk looked at when an ACK left"], "jr", w.Faults["producer crash with a journal"])
				bad++
				break
			}
		}
	}
	fmt.Println(bad, "differ")
}
