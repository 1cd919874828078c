"""Stories of ISDN: two E1 spans on one cable, network side and user side, and two phones."""

from __future__ import annotations

from offhook.drivers.dahdi.lines import Lines
from support.line_story import Office

CHANNELS = """
[channels]
echocancel = no
switchtype = euroisdn
callerid = asreceived
resetinterval = never
context = from-user
signalling = pri_net
group = 1
{extra_network}
channel => 9-23,25-39
context = from-network
signalling = pri_cpe
group = 2
{extra_user}
channel => 40-54,56-70
signalling = fxo_ks
context = phones
callerid = Alice <101>
group = 3
channel => 1-2
"""
PLAN = """
[phones]
exten => _2X.,1,Dial(DAHDI/g2/${EXTEN:1},30)
exten => _1X.,1,Dial(DAHDI/g1/${EXTEN:1},30)
[from-user]
exten => 5551,1,Ringing()
 same => n,Wait(1)
 same => n,Answer()
 same => n,Set(GLOBAL(WHO)=${CALLERID(num)} ${CALLERID(name)} ${EXTEN})
 same => n,Wait(60)
exten => 5552,1,Hangup(17)
exten => 5553,1,Dial(DAHDI/2,30)
[from-network]
exten => _7X.,1,Answer()
 same => n,Set(GLOBAL(WHO)=${EXTEN})
 same => n,Wait(60)
"""


async def start(office: Office, extra_network: str = "", extra_user: str = "", plan: str = PLAN) -> Lines:
    """The two spans, both ends up."""
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"))
    office.system.add_span(dict.fromkeys(range(5, 9), "fxs_ks"))
    for first in (9, 40):
        signallings = {number: "hdlcfcs" if number == first + 15 else "clear" for number in range(first, first + 31)}
        office.system.add_span(signallings, "alaw")
    office.system.cable(3, 4)
    text = CHANNELS.format(extra_network=extra_network, extra_user=extra_user)
    lines = await office.begin(text, plan)
    await office.until(lambda: all(span.up for span in lines.isdn), 5)
    return lines
