package tracing

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRoots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := roots{most: 3, base: time.Now()}
		for second, calls := range []int{2, 10, 3, 0, 4} {
			taken := 0
			for range calls {
				if r.take() {
					taken++
				}
			}
			if want := min(calls, 3); taken != want {
				t.Errorf("in second %d: %d of %d calls, want %d", second, taken, calls, want)
			}
			time.Sleep(time.Second)
		}
		r.most = -1
		for range 100 {
			if !r.take() {
				t.Fatal("bounded without a bound")
			}
		}
	})
}
