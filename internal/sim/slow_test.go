package sim
import ("testing";"time";"fmt")
func TestSlow(t *testing.T) {
	for s := *first; s < *first+int64(*seeds); s++ {
		at := time.Now()
		w := Run(s, false)
		if d := time.Since(at); d > 1*time.Millisecond { fmt.Println("slow", s, d, w.happened, w.failed!=nil, w.Faults["disk damaged"], w.Faults["sync failed"], w.Faults["history with C nodes"]) }
	}
}
