"""A configuration that takes calls with the header ``X-Test: caller``, without a password."""

PJSIP_CONF = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:{sip}

[caller]
type = endpoint
context = callers
disallow = all
allow = ulaw
dtmf_mode = auto_info
[caller]
type = identify
endpoint = caller
match_header = X-Test: caller
"""

EXTENSIONS_CONF = """\
[callers]
exten => answered,1,Answer()
 same => n,Wait(10)
exten => ringing,1,Ringing()
 same => n,Wait(10)
exten => digits,1,Answer()
 same => n,Read(ENTERED,,4,,,10)
 same => n,UserEvent(Entered,Digits: ${ENTERED})
 same => n,Hangup()
exten => early,1,Progress()
 same => n,Wait(0.5)
 same => n,Answer()
 same => n,Wait(0.2)
 same => n,Hangup()
"""
