// Package protocol is the bytes of the Dafka protocol as C Dafka nodes speak
// it, and of beck's extensions to it: the twelve messages, the beacons between
// nodes and towers, and the trailer. Every codec is an Append and a Parse over
// byte slices: no I/O, no state, no length believed before the bytes are there.
//
// # Messages
//
// A message is frame 0; RECORD and DIRECT-RECORD are followed by frame 1, the
// content, which is any bytes and not parsed here.
//
//	 0     1                 1+n   2+n   3+n
//	+-----+-----------------+-----+-----+-----------+-------------------+
//	| id  | to (n bytes)    | 00  | 01  | fields    | trailer           |
//	+-----+-----------------+-----+-----+-----------+-------------------+
//	 kind  topic or address  NUL version by kind     beck only, optional
//
// Numbers are big-endian. A string is one length byte and its bytes, a long
// string four length bytes and its bytes. The fields by kind:
//
//	                 to          fields
//	M RECORD         topic       20 producer(32) | n subject(n) | sequence(8)
//	D DIRECT-RECORD  requester   20 producer(32) | n subject(n) | sequence(8)
//	F FETCH          producer    20 requester(32)| n subject(n) | sequence(8) | count(4)
//	K ACK            producer    n subject(n) | sequence(8)                       C
//	                             20 sender(32) | n subject(n) | sequence(8)       RFC 46
//	H HEAD           topic       20 producer(32) | n subject(n) | sequence(8)
//	E DIRECT-HEAD    requester   20 producer(32) | n subject(n) | sequence(8)
//	G GET-HEADS      topic or "" 20 consumer(32)
//	W CONSUMER-HELLO store       20 consumer(32) | count(4) | count x [ n(4) topic(n) ]
//	L STORE-HELLO    consumer    20 store(32)
//	S STORED         topic       20 producer(32) | n subject(n) | sequence(8)     beck only
//	Q QUERY          node        20 asker(32) | map, see [Query]                  beck only
//	R REPORT         asker       20 node(32) | map, see [Report]                  beck only
//
// The subject is the topic's name, 1 to 255 bytes without NUL; in M, H and S it
// equals "to". An address is 32 upper-case hexadecimal characters. The two
// forms of ACK are told apart by their exact length, so ACK alone can carry no
// trailer.
//
// # Trailer
//
// Old nodes ignore bytes behind the last field of frame 0. There beck puts one
// msgpack map with integer keys; see [Trailer].
//
//	8n | key value | key value ...      n entries
//
// # Beacons
//
// Every box is a frame of one ZeroMQ message. The info frame is beck's: old
// nodes ignore frames behind a beacon; see [NodeInfo].
//
//	node -> tower    "B" | uuid(32) | host, "" = as seen | port, ASCII | info
//	tower -> nodes   "B" | uuid(32) | "tcp://host:port"  | info
//	tower -> node    "W"                      on connect
//	tower -> node    "T" | info               the first list is complete
package protocol
