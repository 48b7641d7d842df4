// Package zmtp speaks ZMTP 3.0, the wire protocol of ZeroMQ, over a net.Conn.
// It does the handshake, guards it against peers that never finish it, and
// frames what follows. After the handshake the caller owns the connection and
// reads and writes it directly: the package keeps no buffer of its own in
// between, starts no goroutine, and does not know what the messages mean.
//
// A connection begins with a greeting of 64 bytes in each direction:
//
//	0            10       12              32         33          64
//	| signature  | version | mechanism     | as-server | filler    |
//	| FF …8… 7F  | 03 00   | "NULL" 00…    | 00        | 00…       |
//
// and a READY command in each direction, whose body is a list of properties:
//
//	| 1: length | name | 4: length, big-endian | value |   …
//
// Everything from then on is frames. A message is one or more of them, all but
// the last with the MORE flag; a command is a single frame:
//
//	short | flags | 1: size |                      body, up to 255 bytes |
//	long  | flags | 8: size, big-endian |          body                  |
//
//	flags: bit 0 MORE, bit 1 LONG, bit 2 COMMAND, the others zero
//
//	body of a command | 1: length | name | data |
//
// Frames are bytes over bytes: a mechanism that seals each message for one
// link goes between the framing here and the connection, link by link.
package zmtp
