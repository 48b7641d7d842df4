package httpd

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/beckmesh/beck"
)

// recordJSON is a record as the API shows it.
type recordJSON struct {
	Partition  string         `json:"partition"`
	Offset     uint64         `json:"offset"`
	Time       *jsonTime      `json:"time,omitempty"`
	Key        *bytesJSON     `json:"key,omitempty"` // nil: it has none
	Value      bytesJSON      `json:"value"`
	Headers    [][2]bytesJSON `json:"headers,omitempty"`
	Size       int            `json:"size"` // bytes of the value
	Source     string         `json:"source"`
	Unreadable bool           `json:"unreadable,omitempty"` // its value cannot be read
}

// bytesJSON is bytes: as text if they are UTF-8, else in base64. Of long ones it is
// the beginning, and how many there are.
type bytesJSON struct {
	Text   *string `json:"text,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
	Cut    bool    `json:"cut,omitempty"`
	Size   int     `json:"size,omitempty"` // if it is cut
}

// jsonTime is a time in RFC 3339, with milliseconds.
type jsonTime time.Time

// MarshalText implements encoding.TextMarshaler.
func (t *jsonTime) MarshalText() ([]byte, error) {
	return time.Time(*t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00"), nil
}

// newRecordJSON copies what is shown of a record: of its key, its value and each
// header at most limit bytes.
func newRecordJSON(r *beck.Record, readable bool, limit int) *recordJSON {
	j := &recordJSON{
		Partition: r.Partition, Offset: r.Offset, Value: newBytesJSON(r.Value, limit), Size: len(r.Value), Source: r.Source.String(),
		Unreadable: !readable,
	}
	if !r.Time.IsZero() {
		at := jsonTime(r.Time) // a copy: r is let go
		j.Time = &at
	}
	if r.Key != nil {
		key := newBytesJSON(r.Key, limit)
		j.Key = &key
	}
	for _, h := range r.Headers {
		j.Headers = append(j.Headers, [2]bytesJSON{newBytesJSON([]byte(h.Name), limit), newBytesJSON(h.Value, limit)})
	}
	return j
}

func newBytesJSON(b []byte, limit int) bytesJSON {
	shown := b
	if len(b) > limit {
		shown = b[:limit]
		if text := wholeRunes(shown); utf8.Valid(text) {
			shown = text
		}
	}
	j := bytesJSON{Cut: len(shown) < len(b)}
	if j.Cut {
		j.Size = len(b)
	}
	if utf8.Valid(shown) {
		text := string(shown)
		j.Text = &text
	} else {
		j.Base64 = bytes.Clone(shown)
	}
	return j
}

// wholeRunes returns b without what begins at its end a character that goes on
// behind it.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if at := len(b) - i; utf8.RuneStart(b[at]) {
			if !utf8.FullRune(b[at:]) {
				return b[:at]
			}
			break
		}
	}
	return b
}

// bytes returns about how much memory a record takes.
func (j *recordJSON) bytes() int {
	n := 256 + j.Value.bytes()
	if j.Key != nil {
		n += j.Key.bytes()
	}
	for i := range j.Headers {
		n += j.Headers[i][0].bytes() + j.Headers[i][1].bytes()
	}
	return n
}

func (j *bytesJSON) bytes() int {
	if j.Text != nil {
		return len(*j.Text) + 64
	}
	return len(j.Base64) + 64
}
