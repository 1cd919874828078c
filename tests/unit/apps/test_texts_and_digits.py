"""ReceiveText, StoreDTMF, ChanIsAvail, the database's applications and the hooks into a call."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.apps import astdb, availability, dtmf_store, flow, other_channels, recording
from offhook.calls import events
from offhook.calls.frames import Digit, Text
from offhook.drivers.local import LocalChannel
from offhook.functions import channel as channel_functions
from offhook.functions import periodic_hook, shared
from unit.apps.stories import assigned, caller, eventually, said

ALL = (astdb, availability, channel_functions, dtmf_store, flow, other_channels, periodic_hook, recording, shared)


@pytest.fixture
def full(exchange: Any) -> Any:
    """The exchange with what this file is about."""
    for source in ALL:
        exchange.load(source)
    return exchange


async def test_a_text_of_the_party_is_received(full: Any) -> None:
    channel = await caller(
        full,
        "[test]\nexten => s,1,Answer()\n same => n,ReceiveText(5)\n"
        " same => n,UserEvent(Got,said: ${RECEIVETEXTSTATUS})\n same => n,Wait(60)\n",
    )
    await eventually(lambda: channel.waiter is not None)
    channel.deliver(Digit("1", True, 80))
    await eventually(lambda: channel.waiter is not None)
    channel.deliver(Text("Hi, Joe! What's for lunch?"))
    assert await said(full) == "SUCCESS"
    assert channel.get("RECEIVETEXTMESSAGE") == "Hi, Joe! What's for lunch?"


async def test_a_text_is_sent_with_names_and_type_once(full: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Text] = []
    monkeypatch.setattr(LocalChannel, "tech_send_text", lambda channel, text: sent.append(text) or True)
    channel = await caller(
        full,
        "[test]\nexten => s,1,Answer()\n same => n,Set(SENDTEXT_FROM_DISPLAYNAME=A)\n"
        " same => n,Set(SENDTEXT_TO_DISPLAYNAME=B)\n same => n,Set(SENDTEXT_CONTENT_TYPE=application/x)\n"
        " same => n,Set(SENDTEXT_BODY=one\\ntwo)\n same => n,SendText(ignored)\n same => n,SendText(plain)\n"
        " same => n,UserEvent(Got,said: ${SENDTEXTSTATUS} ${SENDTEXTTYPE})\n same => n,Wait(60)\n",
    )
    assert await said(full) == "SUCCESS ENHANCED"
    assert sent == [Text("one\ntwo", "application/x", "A", "B"), Text("plain")]
    assert not channel.get("SENDTEXT_BODY")


async def test_who_knows_plain_text_only_takes_no_other(full: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalChannel, "texts", "BASIC")
    full.dialplan(
        "[test]\nexten => s,1,Answer()\n same => n,Set(SENDTEXT_CONTENT_TYPE=application/x)\n"
        " same => n,SendText(a)\n same => n,UserEvent(Got,said: on)\nexten => h,1,UserEvent(Got,said: over)\n",
    )
    await full.call("Local/s@test", application="Wait", data="60")
    assert await said(full) == "over"


async def test_no_text_in_time_is_a_failure(full: Any) -> None:
    await caller(
        full,
        "[test]\nexten => s,1,Answer()\n same => n,ReceiveText(0.01)\n"
        " same => n,UserEvent(Got,said: ${RECEIVETEXTSTATUS})\n same => n,Wait(60)\n",
    )
    assert await said(full) == "FAILURE"


async def test_digits_are_stored_until_there_are_enough(full: Any) -> None:
    channel = await caller(
        full,
        "[test]\nexten => s,1,Answer()\n same => n,StoreDTMF(RX,pressed,3)\n"
        " same => n,StoreDTMF(nowhere)\n same => n,Wait(60)\n",
    )
    other = await caller(
        full, "[test]\nexten => two,1,Answer()\n same => n,StoreDTMF(RX,pressed,3)\n same => n,Wait(60)\n", "two"
    )
    await eventually(lambda: channel.application == "Wait" and other.application == "Wait")
    for digit in "1234":
        channel.deliver(Digit(digit, True, 80))  # not stored any more: what is wrong ends the storing too
        other.deliver(Digit(digit, True, 80))
    assert other.get("pressed") == "123"
    assert channel.get("pressed") == ""


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("Local/none@test&Local/there@test", "Local/none@test"),
        ("Nothing/1&Local/there@test", "Local/there@test"),
        ("Local/there@test&Local/other@test,a", "Local/there@test&Local/other@test"),
        ("Local/nobody@test,s", ""),
    ],
)
async def test_what_could_be_called(full: Any, arguments: str, found: str) -> None:
    await caller(
        full,
        f"[test]\nexten => s,1,Answer()\n same => n,ChanIsAvail({arguments})\n"
        " same => n,UserEvent(Got,said: ${AVAILORIGCHAN})\n"
        " same => n,Wait(60)\nexten => there,1,Wait(1)\nexten => other,1,Wait(1)\n",
    )
    assert await said(full) == found
    assert len(list(full.pbx.channels)) == 2, "what was tried is gone"


async def test_entries_and_families_of_the_database_are_deleted(full: Any) -> None:
    for name in ("a/1", "a/2/x", "a/2/y", "b/1"):
        full.pbx.astdb.put(*name.split("/", 1), "v")
    await caller(
        full,
        "[test]\nexten => s,1,Answer()\n same => n,DBdel(a/1)\n same => n,DBdeltree(a/2)\n same => n,DBdel(b)\n"
        " same => n,UserEvent(D,said: 1)\n same => n,Wait(60)\n",
    )
    await said(full)
    assert [key for key, _ in full.pbx.astdb.tree("")] == ["/b/1"]


async def test_how_long_the_last_recording_was(full: Any) -> None:
    channel = await caller(
        full,
        "[test]\nexten => s,1,Record(mine.wav,,,q)\n same => n,UserEvent(Got,said: ${RECORDING_INFO(duration)})\n",
    )
    await eventually(lambda: channel.waiter is not None)
    channel.deliver(Digit("#", True, 80))
    assert (await said(full)).isdigit()


async def test_a_hook_speaks_into_the_call_until_it_is_switched_off(full: Any) -> None:
    channel = await caller(
        full,
        "[test]\nexten => s,1,Answer()\n same => n,Set(id=${PERIODIC_HOOK(hooks,beep,1)})\n same => n,Wait(60)\n"
        "[hooks]\nexten => beep,1,Answer()\n same => n,UserEvent(Hook,said: ${HOOK_CHANNEL} ${HOOK_ID})\n",
    )
    identity = (await said(full)).rpartition(" ")[2]
    assert full.heard(events.UserEvent)[0].headers[0][1] == f"{channel.name} {identity}"
    assert assigned(full, "id") == [identity]
    channel.set_by_name(f"PERIODIC_HOOK({identity})", "off")
    hook = channel.data["periodic hooks"][identity]
    assert hook._timer is None
    channel.set_by_name(f"PERIODIC_HOOK({identity})", "on")
    assert hook._timer is not None
