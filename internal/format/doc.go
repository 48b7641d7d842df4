// Package format prints records as a format string says, with the tokens of kcat
// and the modifiers of rpk:
//
//	%t %p %o       topic, partition (the producer's address), offset
//	%k %s %v       key, value; %v is %s under the name that rpk gives it
//	%K %S %V       their lengths in bytes; -1 for a key that there is none of
//	%R             length of the value as 4 bytes, big-endian
//	%h             headers, name=value, with commas between
//	%h{FORMAT}     FORMAT for each header: in it %k is the name, %v the value
//	%H             number of headers
//	%T %d          time in ms since 1970; -1 where the record has none
//	%% %{ %}       a percent sign, a brace
//
// A modifier in braces follows its token without a space:
//
//	%t %p %k %s %v %h's %k and %v    {hex} {base64} {json}
//	%o %K %S %V %H %T %d             {ascii} {hex} {hex8} … {hex64} {big8} … {big64} {little8} … {little64}
//	%T %d                            {rfc3339} {go[LAYOUT]}
//
// {json} is a JSON string; bytes that are not UTF-8 become {"base64":"…"}, and a
// key that there is none of null. {hexN} has N/4 digits, {bigN} and {littleN} are
// N/8 bytes; a number that does not fit loses its upper bits. {rfc3339} has
// milliseconds and is in UTC, {go[LAYOUT]} is a layout of Go's package time; both
// print nothing for a record without a time.
//
// Everything else stands for itself, with the escapes of package escape.
package format
