"""Two calls of a span that talk with each other are left to the far end's exchange to join (transfer = yes).

Of the ways there are, libpri speaks explicit transfer (ETSI EN 300 369-1) as user and as network. Of two B channel
transfer (GR-2865) and release link trunk (DMS-100) it speaks the user's side alone, so here the test is the exchange.
"""

from __future__ import annotations

import pytest

from offhook.calls.channel import State
from offhook.calls.signalling import DChannelFrame
from offhook.drivers.dahdi.channel import DahdiChannel
from support import audio
from support.isdn_story import start, start_bri
from support.line_story import Office

PLAN = """
[phones]
exten => _1X.,1,Dial(DAHDI/g1/${EXTEN:1},30)
[from-user]
exten => 5553,1,Dial(DAHDI/2,30)
[from-network]
exten => 85553,1,Dial(DAHDI/g2/5553,30)
"""
Q931, SETUP, FACILITY, CONNECT = 0x08, 0x05, 0x62, 0x07
FROM_FAR_END = bytes.fromhex("8001")
"""Reference of the far end's first call, in what we say about it; of our first it is 0001."""
INITIATE_TRANSFER = bytes.fromhex("1c 14 91 a1 11 020101 0607 2a8648ce150008 3003 020101")
"""Facility, ROSE, invoke 1 of operation 1.2.840.10005.0.8: the call is to be joined with the one of reference 1."""
OPERATION_IND = bytes.fromhex("1c 0a 11be a1 06 020101 020101")
CALL_ID = bytes.fromhex("1c 11 11be a2 0d 020101 30 08 020101 8003 01fd3b")
"""The exchange can join the call, whose identity for that is 130363."""
THIRD_PARTY = bytes.fromhex("1c 14 11be a1 10 020102 020102 30 08 8003 01fd3b 810100")
NETWORK, USER = "DAHDI/i3/", "DAHDI/i4/"


async def trombone(office: Office) -> None:
    """Alice calls by way of the user's exchange, which calls Bob: two calls on the span for one talk."""
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "185553")
    await office.until(lambda: bob.ringing, 10)
    bob.off_hook()
    await office.until(lambda: all(channel.state is State.UP for channel in office.pbx.channels), 5)


async def both_hear_each_other(office: Office) -> None:
    """By correlation."""
    alice, bob = office.phone(1), office.phone(2)
    said, answered = audio.chirps(2, seed=5), audio.chirps(2, seed=6)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(3)
    assert audio.correlation(said, list(bob.heard), 0.8)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.8)[0] > 0.95


async def end(office: Office) -> None:
    """Both hang up; nothing is left."""
    for number in (1, 2):
        office.phone(number).on_hook()
    await office.until(lambda: not len(office.pbx.channels), 10)
    await office.advance(0.5)
    assert all(not span.calls for span in office.pbx.parts["dahdi"].isdn)


def of_span(office: Office, prefix: str) -> list[DahdiChannel]:
    """The channels of a span."""
    found = [channel for channel in office.pbx.channels if channel.name.startswith(prefix)]
    return [channel for channel in found if isinstance(channel, DahdiChannel)]


def facilities(office: Office, span: int) -> list[tuple[bytes, bytes]]:
    """What a span has sent in FACILITY messages: call reference, and what stands in the message."""
    frames = [event.data for event in office.heard(DChannelFrame) if event.span == span and event.sent]
    layer_3 = [frame[4:] for frame in frames if len(frame) > 8 and frame[4] == Q931]
    return [(data[2:4], data[5:]) for data in layer_3 if data[4] == FACILITY]


@pytest.mark.parametrize("rate", ["primary", "basic"])
async def test_the_network_joins_them(office: Office, rate: str) -> None:
    """Explicit transfer: the user asks for a link identity, and has the network join; both calls are cleared."""
    begin = start if rate == "primary" else start_bri
    await begin(office, "", "transfer = yes", plan=PLAN)
    await trombone(office)
    await office.until(lambda: len(office.pbx.channels) == 2, 5)
    assert not of_span(office, NETWORK) and not of_span(office, USER)
    await both_hear_each_other(office)
    await end(office)


async def test_they_stay_as_they_are_unless_that_is_wanted(office: Office) -> None:
    """transfer = no."""
    await start(office, plan=PLAN)
    await trombone(office)
    await office.advance(1)
    assert len(of_span(office, NETWORK)) == len(of_span(office, USER)) == 2
    assert not facilities(office, 4)
    await both_hear_each_other(office)
    await end(office)


@pytest.mark.parametrize("switch", ["national", "5ess", "4ess"])
async def test_two_channels_are_given_to_an_exchange_of_north_america(office: Office, switch: str) -> None:
    """InitiateTransfer on one call names the other. libpri as network does not know it and says nothing: the calls go
    on. An exchange that does clears both, whose ends here end without a word."""
    extra = f"switchtype = {switch}"
    await start(office, extra, f"{extra}\ntransfer = yes", plan=PLAN)
    await trombone(office)
    await office.advance(1)
    assert facilities(office, 4) == [(FROM_FAR_END, INITIATE_TRANSFER)]
    assert len(of_span(office, NETWORK)) == len(of_span(office, USER)) == 2
    await both_hear_each_other(office)
    network = office.pbx.parts["dahdi"].isdn.spans[3]
    assert network.services.join(*(call.handle for call in network.calls.values()))
    await office.until(lambda: len(office.pbx.channels) == 2, 5)
    await both_hear_each_other(office)
    await end(office)


def tell_identities(office: Office) -> None:
    """Be an exchange with release link trunks: CONNECT from the network tells the call's identity."""
    port = office.system.ports[55]
    give = port.give_frame

    def tell(frame: bytes) -> None:
        at = 9
        if len(frame) > at and frame[4] == Q931 and frame[8] == CONNECT:
            while at < len(frame) - 2 and frame[at] < CALL_ID[0]:
                at += 2 + frame[at + 1]
            frame = frame[:at] + CALL_ID + frame[at:]
        give(frame)

    port.give_frame = tell  # type: ignore[method-assign]


async def test_release_link_trunks_of_a_dms_100(office: Office) -> None:
    """SETUP asks whether the exchange can join calls; when it has told the identity of ours, the other call's FACILITY
    names that. The exchange clears both."""
    await start(office, "switchtype = dms100", "switchtype = dms100\ntransfer = yes\nfacilityenable = yes", plan=PLAN)
    tell_identities(office)
    await trombone(office)
    await office.advance(1)
    setups = [event.data for event in office.heard(DChannelFrame) if event.sent and event.data[8:9] == bytes([SETUP])]
    assert [OPERATION_IND in frame for frame in setups] == [False, True]
    assert facilities(office, 4) == [(FROM_FAR_END, THIRD_PARTY)]
    network = office.pbx.parts["dahdi"].isdn.spans[3]
    assert network.services.join(*(call.handle for call in network.calls.values()))
    await office.until(lambda: len(office.pbx.channels) == 2, 5)
    await both_hear_each_other(office)
    await end(office)


async def test_a_dms_100_that_cannot_join_calls_is_not_asked_to(office: Office) -> None:
    """libpri as network is one."""
    await start(office, "switchtype = dms100", "switchtype = dms100\ntransfer = yes\nfacilityenable = yes", plan=PLAN)
    await trombone(office)
    await office.advance(1)
    assert not facilities(office, 4)
    await both_hear_each_other(office)
    await end(office)


async def test_with_qsig_both_sides_are_told_who_they_talk_to(office: Office) -> None:
    """Call transfer (ECMA-178) as libpri has it: both calls stay, for path replacement is the far end's to begin."""
    await start(office, "switchtype = qsig", "switchtype = qsig\ntransfer = yes", plan=PLAN)
    await trombone(office)
    await office.advance(1)
    assert sorted(on for on, _ in facilities(office, 4)) == [bytes.fromhex("0001"), FROM_FAR_END]
    assert len(of_span(office, NETWORK)) == len(of_span(office, USER)) == 2
    await both_hear_each_other(office)
    await end(office)
