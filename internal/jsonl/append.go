package jsonl

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/beckmesh/beck"
)

// Append appends r to dst as one line, with its newline.
func Append(dst []byte, r *beck.Record) []byte {
	dst = appendField(append(dst, '{'), "topic", r.Topic)
	if r.Partition != "" {
		dst = appendField(append(dst, ','), "partition", r.Partition)
	}
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendUint(dst, r.Offset, 10)
	dst = append(dst, `,"time":`...)
	if r.Time.IsZero() {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, r.Time.UnixMilli(), 10)
	}
	if r.Key != nil {
		dst = appendField(append(dst, ','), "key", r.Key)
	}
	if len(r.Headers) > 0 {
		dst = appendHeaders(append(dst, `,"headers":[`...), r.Headers)
	}
	dst = appendField(append(dst, ','), "value", r.Value)
	return append(dst, '}', '\n')
}

func appendHeaders(dst []byte, headers []beck.Header) []byte {
	for i := range headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendField(append(dst, '{'), "name", headers[i].Name)
		dst = appendField(append(dst, ','), "value", headers[i].Value)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendField appends a name and its text, or what is no text in base64.
func appendField[T string | []byte](dst []byte, name string, text T) []byte {
	dst = append(append(dst, '"'), name...)
	if valid(text) {
		return AppendString(append(dst, '"', ':'), text)
	}
	dst = append(dst, `64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, []byte(text))
	return append(dst, '"')
}

func valid[T string | []byte](text T) bool {
	switch t := any(text).(type) {
	case string:
		return utf8.ValidString(t)
	case []byte:
		return utf8.Valid(t)
	}
	return false
}

// AppendString appends text, which must be UTF-8, as a JSON string.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	plain := 0 // what is before i and behind plain stands for itself
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		dst = append(append(dst, text[plain:i]...), '\\')
		plain = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			const digits = "0123456789abcdef"
			dst = append(dst, 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(dst, text[plain:]...), '"')
}
