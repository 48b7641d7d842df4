package jsonl

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/beckmesh/beck"
	"github.com/google/go-cmp/cmp"
)

// now is the time of lines that say none.
var now = time.UnixMilli(1_600_000_000_000).UTC()

var address = strings.Repeat("0F", 16)

func TestLines(t *testing.T) {
	for _, test := range []struct {
		name   string
		record beck.Record
		line   string
	}{
		{"bare", beck.Record{Topic: "t", Value: []byte{}}, `{"topic":"t","offset":0,"time":null,"value":""}`},
		{"all of it", beck.Record{
			Topic: "t", Partition: address, Offset: 1<<64 - 1, Time: time.UnixMilli(1_700_000_000_123).UTC(),
			Key: []byte("k"), Headers: []beck.Header{{Name: "a", Value: []byte("1")}, {Name: "", Value: []byte{}}, {Name: "a", Value: []byte("2")}},
			Value: []byte("v"),
		}, `{"topic":"t","partition":"` + address + `","offset":18446744073709551615,"time":1700000000123,"key":"k","headers":[{"name":"a","value":"1"},{"name":"","value":""},{"name":"a","value":"2"}],"value":"v"}`},
		{"empty key", beck.Record{Topic: "t", Key: []byte{}, Value: []byte{}}, `{"topic":"t","offset":0,"time":null,"key":"","value":""}`},
		{"binary", beck.Record{
			Topic: "t\xff", Key: []byte{0xff}, Value: []byte{0, 0xc3},
			Headers: []beck.Header{{Name: "\xfe", Value: []byte{0xfd}}},
		}, `{"topic64":"dP8=","offset":0,"time":null,"key64":"/w==","headers":[{"name64":"/g==","value64":"/Q=="}],"value64":"AMM="}`},
		{"text stays readable", beck.Record{Topic: "straße", Value: []byte("<ü&\u2028\U0001f600\ufffd>")}, "{\"topic\":\"straße\",\"offset\":0,\"time\":null,\"value\":\"<ü&\u2028\U0001f600\ufffd>\"}"},
		{"control characters", beck.Record{Topic: "t", Value: []byte("\x00\n\r\t\x1f\x7f\"\\/")}, `{"topic":"t","offset":0,"time":null,"value":"\u0000\n\r\t\u001f\u007f\"\\/"}`},
		{"before 1970", beck.Record{Topic: "t", Value: []byte{}, Time: time.UnixMilli(-5).UTC()}, `{"topic":"t","offset":0,"time":-5,"value":""}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := Append([]byte("before"), &test.record)
			if want := "before" + test.line + "\n"; string(line) != want {
				t.Fatalf("got  %s\nwant %s", line, want)
			}
			got, err := Parse(line[len("before"):], now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.record, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseByHand(t *testing.T) {
	for line, want := range map[string]beck.Record{
		`{}`:                         {Time: now},
		"  {\"value\" : \"v\"} \r\n": {Value: []byte("v"), Time: now},
		`{"key":null,"headers":null,"time":null,"offset":null,"topic":null,"value":null}`: {},
		`{"headers":[]}`:                           {Time: now},
		`{"headers":[{"name":"n"}]}`:               {Headers: []beck.Header{{Name: "n"}}, Time: now},
		`{"time":"2023-11-14T22:13:20.123+00:00"}`: {Time: time.UnixMilli(1_700_000_000_123).UTC()},
		`{"value":"\ud83d\ude00\\ud800\u00fc"}`:    {Value: []byte("\U0001f600\\ud800ü"), Time: now},
		`{"value64":""}`:                           {Value: []byte{}, Time: now},
	} {
		got, err := Parse([]byte(line), now)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const escapes = `want \" \\ \/ \b \f \n \r \t, or \uHHHH, for a character beyond U+FFFF a pair of them`
	for line, want := range map[string]string{
		``:                                `an empty line: want a JSON object, {…}`,
		" \r\n":                           `an empty line: want a JSON object, {…}`,
		`{"headers":[{"value":"v"}]}`:     `field "headers": header 1: want a field "name"; it may be empty`,
		`{`:                               `JSON ends early: want "`,
		`{"key"`:                          `JSON ends early: want :`,
		`{"key":`:                         `field "key": JSON ends early: want a string`,
		`{"key":"k"`:                      `JSON ends early: want , or }`,
		`{"key":"k`:                       `field "key": JSON ends early: want "`,
		`{"key":"k\`:                      `field "key": byte 10: ` + escapes,
		`{"key":"\n`:                      `field "key": JSON ends early: want "`,
		`"text"`:                          `byte 1: want a JSON object, {…}`,
		`[]`:                              `byte 1: want a JSON object, {…}`,
		`null`:                            `byte 1: want a JSON object, {…}`,
		`hello`:                           `byte 1: want a JSON object, {…}`,
		`{"key":"k",}`:                    `byte 12: want "`,
		`{,}`:                             `byte 2: want "`,
		`{"key" "k"}`:                     `byte 8: want :`,
		`{"key":"k";}`:                    `byte 11: want , or }`,
		`{} {}`:                           `more than one object: want one a line`,
		`{}x`:                             `more than one object: want one a line`,
		"{}\x00":                          `more than one object: want one a line`,
		`{"Key":"k"}`:                     `unknown field "Key": want topic, topic64, partition, offset, time, key, key64, headers, value, value64`,
		`{"payload":"k"}`:                 `unknown field "payload"`,
		`{"key":"k","key":"l"}`:           `field "key" comes twice`,
		`{"key":"k","k\u0065y":"l"}`:      `field "key" comes twice`,
		`{"key":"k","key64":""}`:          `fields "key" and "key64": want one of them`,
		`{"value64":"","value":""}`:       `fields "value64" and "value": want one of them`,
		`{"key":5}`:                       `field "key": want a string`,
		`{"key":nul}`:                     `field "key": want a string`,
		`{"key":{"a":"b"}}`:               `field "key": want a string`,
		`{"key64":"a"}`:                   `field "key64": no base64: want the standard alphabet, with padding`,
		`{"key64":"YR=="}`:                `field "key64": no base64`,
		`{"key64":"Y\nQ=="}`:              `field "key64": no base64`,
		`{"offset":-1}`:                   `field "offset": want a whole number from 0 to 18446744073709551615`,
		`{"offset":1.5}`:                  `field "offset": want a whole number`,
		`{"offset":01}`:                   `field "offset": want a whole number`,
		`{"offset":+1}`:                   `field "offset": want a whole number`,
		`{"offset":-}`:                    `field "offset": want a whole number`,
		`{"offset":1x}`:                   `byte 12: want , or }`,
		`{"offset":18446744073709551616}`: `field "offset": want a whole number`,
		`{"offset":"1"}`:                  `field "offset": want a whole number`,
		`{"time":1e3}`:                    `field "time": want ms since 1970 as a whole number, or RFC 3339 as a string`,
		`{"time":"yesterday"}`:            `field "time": want ms`,
		`{"time":[]}`:                     `field "time": want ms`,
		`{"headers":{"a":"b"}}`:           `field "headers": want an array of {"name":…,"value":…}`,
		`{"headers":["a"]}`:               `field "headers": header 1: byte 13: want a JSON object, {…}`,
		`{"headers":[{"name":"a"}}`:       `field "headers": byte 25: want , or ]`,
		`{"headers":[{"name":"a"},{"name":"a","key":"b"}]}`: `field "headers": header 2: unknown field "key": want name, name64, value, value64`,
		`{"headers":[{"name":"a","name64":"YQ=="}]}`:        `field "headers": header 1: fields "name" and "name64": want one of them`,
		"{\"key\":\"\xff\"}":                                `not valid UTF-8: want binary in the fields key64 and value64`,
		"{\"key\":\"a\tb\"}":                                `field "key": byte 10: want control characters as \u00HH`,
		"{\"key\":\"\\na\tb\"}":                             `field "key": byte 12: want control characters as \u00HH`,
		`{"key":"\x"}`:                                      `field "key": byte 9: ` + escapes,
		`{"key":"\u00g0"}`:                                  `field "key": byte 9: ` + escapes,
		`{"key":"\ud800"}`:                                  `field "key": byte 9: ` + escapes,
		`{"key":"\\\uDC00"}`:                                `field "key": byte 11: ` + escapes,
		`{"key":"\ud800\u0041"}`:                            `field "key": byte 9: ` + escapes,
	} {
		got, err := Parse([]byte(line), now)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", line, err, want)
		} else if diff := cmp.Diff(beck.Record{}, got); diff != "" {
			t.Errorf("%s: a record beside the error: %s", line, diff)
		}
	}
}

// FuzzRoundTrip: any record comes back as it was, and its line is one line of JSON
// for everybody else, too.
func FuzzRoundTrip(f *testing.F) {
	f.Add("t", "p", uint64(1), int64(2), []byte("k"), true, "n", []byte("v"), []byte("value"))
	f.Add("\xff", "", uint64(0), int64(-1), []byte("\u2028\\\"\x00"), false, "\x80", []byte{0xff}, []byte("\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, topic, partition string, offset uint64, ms int64, key []byte, hasKey bool, name string, v, value []byte) {
		want := beck.Record{
			Topic: topic, Partition: partition, Offset: offset, Value: append([]byte{}, value...),
			Headers: []beck.Header{{Name: name, Value: append([]byte{}, v...)}, {Name: topic, Value: append([]byte{}, key...)}},
		}
		if at := time.UnixMilli(ms).UTC(); !at.IsZero() && at.UnixMilli() == ms {
			want.Time = at
		}
		if hasKey {
			want.Key = append([]byte{}, key...)
		}
		line := Append(nil, &want)
		if !utf8.Valid(line) || !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("no line of JSON: %q", line)
		}
		if !utf8.ValidString(partition) { // it is an address: hexadecimal characters
			return
		}
		got, err := Parse(line, now)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzParse: what is taken is JSON, means the same to encoding/json, and can be
// written and is then taken for the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"topic":"t","offset":1,"time":2,"key64":"/w==","headers":[{"name":"n","value":"\ud83d\ude00"}],"value":"v"}`,
		`{"time":"2023-11-14T22:13:20.123Z"}`, `{"key":"\ud800"}`, `{"headers":[{}]}`, `[`, `{"key":null}`, `{"key":"\u0000\/\ufffd"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := Parse(line, now)
		if err != nil {
			return
		}
		var other struct {
			Topic, Partition, Key, Value *string
			Topic64, Key64, Value64      *[]byte
			Offset                       *uint64
		}
		if err := json.Unmarshal(line, &other); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		same := func(what string, got []byte, text *string, binary *[]byte) {
			if text != nil && string(got) != *text || binary != nil && string(got) != string(*binary) {
				t.Fatalf("%q: %s is %q, to others %v %v", line, what, got, text, binary)
			}
		}
		same("topic", []byte(r.Topic), other.Topic, other.Topic64)
		same("partition", []byte(r.Partition), other.Partition, nil)
		same("key", r.Key, other.Key, other.Key64)
		same("value", r.Value, other.Value, other.Value64)
		if other.Offset != nil && *other.Offset != r.Offset {
			t.Fatalf("%q: offset %d", line, r.Offset)
		}
		r.Time = r.Time.Truncate(time.Millisecond)
		again, err := Parse(Append(nil, &r), now)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !bytes.Equal(Append(nil, &r), Append(nil, &again)) {
			t.Fatalf("%q: %+v became %+v", line, r, again)
		}
	})
}

// FuzzParseOthers: what encoding/json writes is taken, whatever it escapes.
func FuzzParseOthers(f *testing.F) {
	f.Add("<&>\u2028\x00\"\\", uint64(7), true)
	f.Fuzz(func(t *testing.T, text string, offset uint64, html bool) {
		if !utf8.ValidString(text) {
			return
		}
		var line bytes.Buffer
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(html)
		if err := e.Encode(map[string]any{"key": text, "offset": offset, "headers": []map[string]string{{"name": text, "value": ""}}}); err != nil {
			t.Fatal(err)
		}
		r, err := Parse(line.Bytes(), now)
		if err != nil || string(r.Key) != text || r.Offset != offset || r.Headers[0].Name != text {
			t.Fatalf("%s became %+v, %v", &line, r, err)
		}
	})
}
