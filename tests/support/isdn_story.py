"""Stories of ISDN: two spans on one cable, E1 or BRI, network side and user side, and two phones."""

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
signalling = {rate}_net{multipoint}
group = 1
{extra_network}
channel => {network}
{between}
context = from-network
signalling = {rate}_cpe{multipoint}
group = 2
{extra_user}
channel => {user}
signalling = fxo_ks
context = phones
callerid = Alice <101>
group = 3
{phones}
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


async def start(
    office: Office, extra_network: str = "", extra_user: str = "", plan: str = PLAN, phones: str = ""
) -> Lines:
    """Two E1 spans, both ends up."""
    office.lay()
    office.trunk(9, 40, [*["clear"] * 15, "hdlcfcs", *["clear"] * 15])
    lines = await _begin(office, "pri", "9-23,25-39", "40-54,56-70", extra_network, extra_user, plan, phones=phones)
    await office.until(lambda: all(span.up for span in lines.isdn), 5)
    return lines


async def start_bri(
    office: Office,
    extra_network: str = "",
    extra_user: str = "",
    *,
    plan: str = PLAN,
    multipoint: bool = False,
    phones: str = "",
) -> Lines:
    """Two basic rate spans, point to point and both ends up, or to several devices, where layer 2 waits for a call."""
    office.lay()
    office.trunk(9, 12, ["clear", "clear", "hardhdlc"])
    kind = "_ptmp" if multipoint else ""
    lines = await _begin(office, "bri", "9-10", "12-13", extra_network, extra_user, plan, kind, phones)
    if not multipoint:
        await office.until(lambda: all(span.up for span in lines.isdn), 5)
    return lines


async def _begin(
    office: Office,
    rate: str,
    network: str,
    user: str,
    extra_network: str,
    extra_user: str,
    plan: str,
    multipoint: str = "",
    phones: str = "",
) -> Lines:
    names = [line.partition("=")[0].strip() for line in extra_network.splitlines() if "=" in line]
    text = CHANNELS.format(
        rate=rate,
        multipoint=multipoint,
        network=network,
        user=user,
        extra_network=extra_network,
        between="\n".join(_DEFAULTS.get(name, "") for name in names),
        extra_user=extra_user,
        phones=phones,
    )
    return await office.begin(text, plan)


_DEFAULTS = {
    "max_call_waiting_calls": "max_call_waiting_calls = 0",
    "moh_signaling": "moh_signaling = moh",
    "hold_disconnect_transfer": "hold_disconnect_transfer = no",
    "mcid_send": "mcid_send = no",
    "aoce_delayhangup": "aoce_delayhangup = no",
}
"""What is of one side's extra lines alone: settings hold for all channels below them."""
