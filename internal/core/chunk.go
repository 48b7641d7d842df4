package core

// Chunk is a piece of a log: consecutive records, encoded once as wire bytes.
// The bytes are the shell's (Data); a chunk knows where they stand.
type Chunk struct {
	Log   *Log
	First uint64 // sequence of the first record
	Count int    // records committed
	Start int64  // position of the first byte in the log
	Size  int    // bytes committed; the rest up to Cap is free
	Cap   int    // bytes allocated
	Data  any    // the shell's handle on the bytes; nil until it allocates them

	pins    int
	dropped bool
}

// End returns the sequence after the chunk's last record.
func (c *Chunk) End() uint64 { return c.First + uint64(c.Count) }

// end returns the position after the chunk's last byte.
func (c *Chunk) end() int64 { return c.Start + int64(c.Size) }
