// Package jsonl writes records as lines of JSON and reads them back, byte for
// byte.
//
//	{"topic":"t","partition":"0F…","offset":7,"time":1700000000000,"key":"k","headers":[{"name":"n","value":"v"}],"value":"v"}
//
// time is in ms since 1970, null for a record without one. A key or headers that a
// record lacks are left out. An empty key is "", and so not the same as none.
// Headers keep their order, and names may repeat.
//
// Text stays readable. What is not valid UTF-8 is given in base64, under the
// field's name and "64": topic64, key64, value64, and within a header name64 and
// value64. So each line is valid UTF-8 and JSON, and nothing is lost.
//
// On reading, fields may come in any order, each once. One that is null or left out
// is what the record lacks; but a time left out is the time of reading, and may be
// text as in RFC 3339, for lines written by hand. A value left out is empty. An unknown field is an error, and so is an escape that
// stands for half a character: beck cannot say what it would lose.
package jsonl
