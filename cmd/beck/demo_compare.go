package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/split"
)

// measure counts the lines and bytes of a file.
func measure(name string) (lines int, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	r := split.New(f, []byte("\n"), math.MaxInt)
	for b := new(split.Block); err == nil; {
		err = r.Next(b)
	}
	if !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	size, err = f.Seek(0, io.SeekCurrent)
	return r.Count(), size, err
}

// nextLine returns the next line without its newline, or io.EOF behind the
// last.
func nextLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}

// compare takes as many records from c as the file has lines and holds each
// against its line.
func (d *demo) compare(ctx context.Context, c *consumer.Consumer) error {
	f, err := os.Open(d.file)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, outputBytes)
	for seen := 0; seen < d.lines; {
		records, err := c.Poll(ctx, min(pollRecords, d.lines-seen))
		for _, record := range records {
			seen++
			line, err := nextLine(r)
			if err != nil {
				return fmt.Errorf("reading %s: %w", d.file, err)
			}
			if !bytes.Equal(line, record.Value) {
				return fmt.Errorf("line %d is %.60q, but the record is %.60q", seen, line, record.Value)
			}
		}
		if err != nil && seen < d.lines {
			return fmt.Errorf("after %d of %d lines: %w", seen, d.lines, err)
		}
	}
	return nil
}

// grouped formats n with commas.
func grouped[N int | int64 | uint64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
