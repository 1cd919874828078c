"""The SIP protocol core, without I/O: bytes, messages and the time go in, events and bytes come out.

It opens no socket, reads no clock, logs nothing and imports nothing of the rest of Offhook.

Reading and writing: uri, headers, message, parser, framing, body, sdp, sdp_attributes (grammar and reasons below them;
every fault of a peer is one errors.SIPError with the status that answers it).
Transactions: layer (start there), transaction, events, timers.
Above them: dialog, session, offer_answer, reliable, session_timer, subscription, auth, locate.
"""
