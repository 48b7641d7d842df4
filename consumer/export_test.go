package consumer

import "github.com/beckmesh/beck/internal/compress"

// WhileOpening has f called by the first call of Poll that has a compressed value in
// hand.
func (c *Consumer) WhileOpening(f func()) {
	decoder := c.opening.decoder
	c.opening.decoder = func() (*compress.Decoder, error) {
		if f != nil {
			f()
			f = nil
		}
		return decoder()
	}
}
