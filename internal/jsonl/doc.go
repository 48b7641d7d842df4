// Package jsonl writes records as lines of JSON and reads them back, byte for
// byte.
//
//	{"topic":"t","partition":"0F…","offset":7,"time":1700000000000,"key":"k","headers":[{"name":"n","value":"v"}],"value":"v"}
//
// time is in ms since 1970. A field that a record lacks is left out: time, key and
// headers. An empty key is "", and so not the same as none. Headers keep their
// order, and names may repeat.
//
// Text stays readable. What is not valid UTF-8 is given in base64, under the
// field's name and "64": topic64, key64, value64, and within a header name64 and
// value64. So each line is valid UTF-8 and JSON, and nothing is lost.
//
// On reading, fields may come in any order, each once, and null is the same as a
// field left out. A value left out is empty. A time may be text as in RFC 3339, for
// lines written by hand. An unknown field is an error, and so is an escape that
// stands for half a character: beck cannot say what it would lose.
package jsonl
