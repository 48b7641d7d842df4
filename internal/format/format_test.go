package format

import (
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
)

var (
	address = strings.Repeat("0F", 16)
	full    = beck.Record{
		Topic: "hello", Partition: address, Offset: 258, Key: []byte("k"), Value: []byte("value"),
		Headers: []beck.Header{{Name: "a", Value: []byte("1")}, {Name: "b"}, {Name: "a", Value: []byte{0xff}}},
		Time:    time.UnixMilli(1_700_000_000_123).UTC(),
	}
	bare = beck.Record{Topic: "t", Partition: address}
	odd  = beck.Record{Topic: "t", Key: []byte{}, Value: []byte{0, 0xff}, Offset: 1<<64 - 1, Time: time.UnixMilli(-2).UTC()}
)

func TestAppend(t *testing.T) {
	for _, test := range []struct {
		text   string
		record beck.Record
		want   string
	}{
		{``, full, ""},
		{`plain ü 100%%\n`, full, "plain ü 100%\n"},
		{`%t/%p@%o`, full, "hello/" + address + "@258"},
		{`%k=%s;%v`, full, "k=value;value"},
		{`%K %S %V %R`, full, "1 5 5 \x00\x00\x00\x05"},
		{`%K %S %k|%s|`, bare, "-1 0 ||"},
		{`%K`, odd, "0"},
		{`%h`, full, "a=1,b=,a=\xff"},
		{`%H %h.`, bare, "0 ."},
		{`%h{<%k:%v{hex}>}`, full, "<a:31><b:><a:ff>"},
		{`%h{%{%k%}}`, full, "{a}{b}{a}"},
		{`%h{%K%V\n}`, full, "11\n10\n11\n"},
		{`%h{ \x7d}`, full, " } } }"},
		{`%T %d`, full, "1700000000123 1700000000123"},
		{`%T %T{rfc3339}|%d{go[2006]}`, bare, "-1 |"},
		{`%T{rfc3339} %d{go[2006-01]}`, full, "2023-11-14T22:13:20.123Z 2023-11"},
		{`%d{go[15h{4}]}`, full, "22h{13}"},
		{`%T{ascii} %T{big16}`, odd, "-2 \xff\xfe"},
		{`%o %o{ascii} %o{hex}`, odd, "18446744073709551615 18446744073709551615 ffffffffffffffff"},
		{`%o{hex8} %o{hex16} %o{hex32} %o{hex64}`, full, "02 0102 00000102 0000000000000102"},
		{`%o{big8}%o{big16}%o{big32}%o{big64}`, full, "\x02\x01\x02\x00\x00\x01\x02\x00\x00\x00\x00\x00\x00\x01\x02"},
		{`%o{little8}%o{little16}%o{little32}%o{little64}`, full, "\x02\x02\x01\x02\x01\x00\x00\x02\x01\x00\x00\x00\x00\x00\x00"},
		{`%t{hex} %k{base64} %s{json}`, full, `68656c6c6f aw== "value"`},
		{`%k{json} %s{json}`, odd, `"" {"base64":"AP8="}`},
		{`%k{json} %s{json}`, bare, `null null`},
		{`%s%{hex%}`, full, "value{hex}"},
		{`\x41\0\\\t`, full, "A\x00\\\t"},
	} {
		f, err := Parse(test.text, false)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := string(f.Append([]byte(">"), &test.record)); got != ">"+test.want {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestNull(t *testing.T) {
	f, err := Parse(`%k %s %v{hex} %K %t %h{%v}`, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		record beck.Record
		want   string
	}{
		{bare, "NULL NULL NULL -1 t "},
		{odd, "NULL \x00\xff 00ff 0 t "},
		{full, "k value 76616c7565 1 hello 1\xff"},
	} {
		if got := string(f.Append(nil, &test.record)); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`%`:               "% at position 1 ends the format: want one of %H %K %R %S %T %V %d %h %k %o %p %s %t %v %% %{ %}",
		`ü%q`:             "%q at position 2 is no token: want one of %H %K",
		`%ü`:              "%ü at position 1 is no token",
		`\q`:              `\q at position 1 is no escape`,
		`%s{hex`:          "%s at position 1: its { has no }",
		`ab%s{HEX}`:       "%s at position 3: {HEX} is no modifier of bytes: want {hex}, {base64} or {json}",
		`%s{}`:            "%s at position 1: {} is no modifier of bytes",
		`%o{json}`:        "%o at position 1: {json} is no modifier of numbers: want {ascii}",
		`%K{}`:            "%K at position 1: {} is no modifier",
		`%T{go[2006}`:     "%T at position 1: {go[2006} is no modifier of times: want {rfc3339}",
		`%R{big32}`:       "%R at position 1: {big32}: it takes no modifier",
		`%h{%k %s}`:       "%h at position 1: in its braces: %s at position 4 is no token: want one of %K %V %k %v %% %{ %}",
		`%h{%v{hex}{x}\}`: "%h at position 1: its { has no }",
	} {
		_, err := Parse(text, false)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestAppendAllocatesNothing: lines by the million are printed with it.
func TestAppendAllocatesNothing(t *testing.T) {
	f, err := Parse(`%t %p %o %k %K %s %S %h %T %R %s{hex} %s{base64} %s{json} %T{rfc3339}\n`, true)
	if err != nil {
		t.Fatal(err)
	}
	space := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() { f.Append(space, &full) }); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`%t %p %o %k %K %s %S %h %T %R\n`, `%h{%k=%v{hex} %{}%%`, `%d{go[2006]}%o{big32}`, `\x0%`, `%s{`, `%h{%h{%k}}`} {
		f.Add(seed, []byte("key"), []byte("value"), int64(5), true)
	}
	f.Fuzz(func(t *testing.T, text string, key, value []byte, ms int64, null bool) {
		format, err := Parse(text, null)
		if err != nil {
			if format != nil {
				t.Fatal("a format beside an error")
			}
			return
		}
		r := beck.Record{
			Topic: "t", Key: key, Value: value, Time: time.UnixMilli(ms),
			Headers: []beck.Header{{Name: string(value), Value: key}},
		}
		once := format.Append(nil, &r)
		if twice := format.Append(once, &r); string(twice) != string(once)+string(once) {
			t.Fatalf("%q: %q behind %q", text, twice, once)
		}
		if !strings.ContainsAny(text, `%\`) && string(once) != text {
			t.Fatalf("%q became %q", text, once)
		}
	})
}
