package workload

import (
	"bytes"
	"compress/flate"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func shape(count uint64, size, producers, topics int) Shape {
	return Shape{Count: count, Size: size, Producers: producers, Topics: topics}
}

// values returns all values of one producer, in order.
func values(p *Payloads, producer int) (list [][]byte) {
	for seq := range p.shape.Share(producer) {
		v := make([]byte, p.shape.Size)
		p.Fill(v, producer, seq)
		list = append(list, v)
	}
	return list
}

func TestValuesDifferAndDoNotCompress(t *testing.T) {
	p := NewPayloads(shape(5000, 100, 2, 1))
	seen := make(map[string]bool)
	var all []byte
	for producer := range 2 {
		for _, v := range values(p, producer) {
			seen[string(v[stampLen:])] = true
			all = append(all, v...)
		}
	}
	if len(seen) != 5000 {
		t.Errorf("%d of 5000 values differ beside their stamps", len(seen))
	}
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression)
	_, _ = w.Write(all)
	_ = w.Close()
	// The stamps, 8 of 100 bytes, are all that may shrink.
	if packed.Len() < len(all)*92/100 {
		t.Errorf("%d bytes became %d", len(all), packed.Len())
	}
}

func TestCheckerAcceptsARun(t *testing.T) {
	p := NewPayloads(shape(1003, 40, 3, 7))
	c := NewChecker(p)
	lists := [][][]byte{values(p, 0), values(p, 1), values(p, 2)}
	for len(lists[0]) > 0 {
		for i := range lists {
			if len(lists[i]) == 0 {
				continue
			}
			if err := c.Check(lists[i][0]); err != nil {
				t.Fatal(err)
			}
			lists[i] = lists[i][1:]
		}
	}
	if c.Left() != 0 || c.Missing() != nil {
		t.Errorf("%d left: %v", c.Left(), c.Missing())
	}
}

func TestCheckerNamesWhatIsWrong(t *testing.T) {
	p := NewPayloads(shape(200, 100, 1, 1))
	for _, test := range []struct {
		name  string
		spoil func([][]byte) [][]byte
		want  error
	}{
		{"lost", func(l [][]byte) [][]byte { return slices.Delete(l, 57, 58) }, ErrLost},
		{"lost at the end", func(l [][]byte) [][]byte { return l[:199] }, ErrLost},
		{"twice", func(l [][]byte) [][]byte { return slices.Insert(l, 58, l[57]) }, ErrAgain},
		{"swapped", func(l [][]byte) [][]byte { l[57], l[58] = l[58], l[57]; return l }, ErrLost},
		{"torn", func(l [][]byte) [][]byte { l[57] = l[57][:99]; return l }, ErrContent},
		{"other tail", func(l [][]byte) [][]byte { l[57][99]++; return l }, ErrContent},
		{"other middle", func(l [][]byte) [][]byte { l[64][30]++; return l }, ErrContent},
		{"surplus", func(l [][]byte) [][]byte {
			v := make([]byte, 100)
			p.Fill(v, 0, 200)
			return append(l, v)
		}, ErrContent},
		{"of another producer", func(l [][]byte) [][]byte { p.Fill(l[57], 1, 0); return l }, ErrContent},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewChecker(p)
			var err error
			for _, v := range test.spoil(values(p, 0)) {
				if err = c.Check(v); err != nil {
					break
				}
			}
			if err == nil {
				err = c.Missing()
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			t.Log(err)
		})
	}
}

func TestTimedValue(t *testing.T) {
	s := shape(100, 16, 1, 1)
	s.Timed = true
	p := NewPayloads(s)
	v := make([]byte, 16)
	p.Fill(v, 0, 64)
	now := time.Now()
	SetTime(v, now)
	if Time(v) != now.UnixNano() {
		t.Errorf("time %d, want %d", Time(v), now.UnixNano())
	}
	if _, seq, err := p.Verify(v); err != nil || seq != 64 {
		t.Errorf("record %d, %v", seq, err)
	}
}

func TestShapeBounds(t *testing.T) {
	for _, bad := range []Shape{
		shape(0, 100, 1, 1), shape(1<<48, 100, 1, 1), shape(1, 7, 1, 1),
		shape(1, 100, 0, 1), shape(1, 100, 1<<16+1, 1), shape(1, 100, 1, 0),
		{Count: 1, Size: 15, Producers: 1, Topics: 1, Timed: true},
	} {
		if err := bad.Validate(); !errors.Is(err, ErrShape) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := shape(1, 8, 1<<16, 1).Validate(); err != nil {
		t.Error(err)
	}
}

func TestShares(t *testing.T) {
	s := shape(10, 8, 4, 1)
	var got []uint64
	for i := range 4 {
		got = append(got, s.Share(i))
	}
	if !slices.Equal(got, []uint64{3, 3, 2, 2}) {
		t.Errorf("shares %v", got)
	}
}

func TestHistogramQuantiles(t *testing.T) {
	var h Histogram
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]time.Duration, 20000)
	for i := range all {
		all[i] = time.Duration(r.ExpFloat64() * float64(80*time.Microsecond))
		h.Add(all[i])
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.99, 0.999, 1} {
		exact, got := all[int(q*float64(len(all)))-1], h.Quantile(q)
		if got < exact || float64(got) > float64(exact)*1.008+1 {
			t.Errorf("quantile %v is %s, exactly %s", q, got, exact)
		}
	}
	if h.Latency().Max != micros(all[len(all)-1]) {
		t.Errorf("max %v, want %s", h.Latency().Max, all[len(all)-1])
	}
}

func TestPacerKeepsItsRate(t *testing.T) {
	begin := time.Now()
	p := NewPacer(10_000)
	for range 501 {
		p.Wait()
	}
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("501 records at 10,000/s in %s", took)
	}
}

func BenchmarkFill(b *testing.B) {
	p := NewPayloads(shape(1<<40, 100, 1, 1))
	v := make([]byte, 100)
	var seq uint64
	b.SetBytes(100)
	for b.Loop() {
		p.Fill(v, 0, seq)
		seq++
	}
}

func BenchmarkCheck(b *testing.B) {
	p := NewPayloads(shape(1<<40, 100, 1, 1))
	c := NewChecker(p)
	const n = 1024
	block := make([]byte, n*100)
	b.SetBytes(100 * n)
	var seq uint64
	for b.Loop() {
		for i := range n { // includes Fill
			p.Fill(block[i*100:(i+1)*100], 0, seq)
			seq++
		}
		for i := range n {
			if err := c.Check(block[i*100 : (i+1)*100]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestCreditBoundsTheLag lets two producers send all they may, while the
// consumers take the records of one of them only, as long as they can.
func TestCreditBoundsTheLag(t *testing.T) {
	s := shape(1<<30, AheadBytes/100-headerAround, 2, 1) // 100 records ahead
	c := NewCredit(s, 2)
	if n := c.Arrived(0, 5); n != 0 {
		t.Errorf("all consumers have %d", n)
	}
	var each uint64
	c.Begin(func(n uint64) { each = n })
	for taken := uint64(0); taken != each; {
		taken = each
		c.Arrived(0, taken)
		c.Arrived(1, taken)
	}
	if each < 99 || each > 100 {
		t.Errorf("a producer of which nothing was taken may send %d", each)
	}
	c.Arrived(0, 1000)
	if n := c.Arrived(1, 600); n != 600 || each != 350 {
		t.Errorf("%d taken by all, credit %d", n, each)
	}
}
