"""The IAX2 protocol core (RFC 5456), without I/O: datagrams and the time go in, datagrams and news come out.

It opens no socket, reads no clock, logs nothing and imports nothing of the rest of Offhook. Voice in mini frames never
comes here: whoever owns the socket carries it.

Reading and writing: frames, elements, formats, parties (what Asterisk sends of connected and redirecting parties),
seal (encryption), proof (passwords, keys, call tokens).
Delivery: association (reliable, in order), exchange (start there: whose a datagram is, call numbers, timers).
Above them: call (and quality), transfer, registration, reachability.
"""
