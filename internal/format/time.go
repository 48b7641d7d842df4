package format

import (
	"fmt"
	"strings"

	"github.com/beckmesh/beck"
)

// rfc3339 has milliseconds, as a record's time has.
const rfc3339 = "2006-01-02T15:04:05.000Z07:00"

// timeToken prints a record's time.
func timeToken(p *parser, mod string, has bool) (piece, error) {
	layout := ""
	if in, ok := strings.CutPrefix(mod, "go["); ok && strings.HasSuffix(in, "]") {
		layout = strings.TrimSuffix(in, "]")
	} else if mod == "rfc3339" {
		layout = rfc3339
	} else if has && numbers[mod] == nil {
		return nil, fmt.Errorf("{%s} is no modifier of times: want {rfc3339}, {go[LAYOUT]}, %s", mod, numberModifiers)
	}
	if layout == "" {
		return numberToken(millis)(p, mod, has)
	}
	return func(dst []byte, r *beck.Record) []byte {
		if r.Time.IsZero() {
			return dst
		}
		return r.Time.UTC().AppendFormat(dst, layout)
	}, nil
}

// millis returns a record's time in ms since 1970, -1 if there is none.
func millis(r *beck.Record) uint64 {
	if r.Time.IsZero() {
		return ^uint64(0)
	}
	return uint64(r.Time.UnixMilli())
}
