"""Trunk groups: two E1 spans with one D channel, another that stands by (NFAS)."""

from __future__ import annotations

import pytest

from kernel_shims.line import Happening
from offhook.calls.channel import State
from offhook.drivers.dahdi.isdn.groups import groups_of
from offhook.drivers.dahdi.lines import Lines
from support.line_story import Office

# Spans 1 and 2 (channels 1-31, 32-62) are the network's, 3 and 4 (63-93, 94-124) the user's. D channels on the first of
# each, and on the second to stand by.
CHANNELS = """
[trunkgroups]
trunkgroup => 1,16,47
spanmap => 1,1,1
spanmap => 2,1,2
trunkgroup => 2,78,109
spanmap => 3,2,1
spanmap => 4,2,2
[channels]
echocancel = no
switchtype = national
resetinterval = never
context = from-user
signalling = pri_net
group = 1
channel => 1-15,17-31,32-46,48-62
context = from-network
signalling = pri_cpe
group = 2
channel => 63-77,79-93,94-108,110-124
"""
PLAN = """
[from-user]
exten => _5X.,1,Answer()
 same => n,Wait(60)
[from-network]
exten => _7X.,1,Answer()
 same => n,Wait(60)
"""
D_CHANNELS = (16, 47, 78, 109)


async def start(office: Office) -> Lines:
    """Four spans, two cables."""
    for first in (1, 32, 63, 94):
        numbers = range(first, first + 31)
        office.system.add_span({n: "hdlcfcs" if n in D_CHANNELS else "clear" for n in numbers}, "alaw")
    office.system.cable(1, 3)
    office.system.cable(2, 4)
    lines = await office.begin(CHANNELS, PLAN)
    await office.until(lambda: all(span.up for span in lines.isdn), 10)
    return lines


async def test_calls_on_both_spans_by_one_d_channel(office: Office) -> None:
    """One group each side; sixty calls at once, and each is on the same channel at both ends."""
    lines = await start(office)
    assert [span.number for span in lines.isdn] == [1, 3]
    made = [lines.request("g2/5551", None, ("", "")) for _ in range(60)]
    for channel in made:
        channel.tech_call("")
    await office.until(lambda: all(channel.state is State.UP for channel in made), 20)
    network, user = lines.isdn
    assert sorted(call.port.place for call in network.calls.values()) == sorted(user.bearers)
    for channel in made:
        channel.hangup()
    await office.until(lambda: not len(office.pbx.channels), 10)


async def test_the_other_d_channel_takes_over(office: Office) -> None:
    """The first is pulled out on both ends' span: calls go on, and new ones are made."""
    lines = await start(office)
    network, user = lines.isdn
    await office.until(lambda: all(channel.up for span in lines.isdn for channel in span.d_channels), 30)
    before = lines.request("g2/5551", None, ("", ""))
    before.tech_call("")
    await office.until(lambda: before.state is State.UP, 5)
    for span in (network, user):
        office.system.ports[span.d_channels[0].number].happen(Happening.REMOVED)
    await office.until(lambda: network.d_channel == 47 and user.d_channel == 109, 10)
    after = lines.request("g2/5552", None, ("", ""))
    after.tech_call("")
    await office.until(lambda: after.state is State.UP, 10)
    assert before.state is State.UP
    shown = "\n".join(await office.cli("pri show span 3"))
    assert "Secondary D-channel: 109\nStatus: Up, Active" in shown


def test_what_is_wrong_is_said() -> None:
    """Which line, and why."""
    with pytest.raises(ValueError, match='"1" is not trunkgroup'):
        groups_of(["1"], [])
    with pytest.raises(ValueError, match="spanmap => 1,2: there is no trunk group 2"):
        groups_of(["1,24"], ["1,2"])
    with pytest.raises(ValueError, match="mapped already"):
        groups_of(["1,24"], ["1,1,1", "2,1,1"])
