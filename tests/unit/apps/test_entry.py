"""Letting callers in, and asking who calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from support import silent_engine
from support.call_exchange import Exchange
from unit.apps.stories import assigned, caller, eventually, said

DIALPLAN = """
[test]
exten => auth,1,Authenticate(${PASSWORD},${OPTIONS})
 same => n,UserEvent(A,X: in ${CHANNEL(accountcode)})
 same => n,Wait(60)
exten => disa,1,DISA(${PASSWORD},inside,,,${OPTIONS})
exten => read,1,ReadExten(WHAT,,inside)
 same => n,UserEvent(A,X: ${READEXTENSTATUS} ${WHAT})
 same => n,Wait(60)
[inside]
exten => 42,1,UserEvent(A,X: reached ${EXTEN})
 same => n,Wait(60)
exten => i,1,UserEvent(A,X: wrong ${INVALID_EXTEN})
 same => n,Wait(60)
"""


async def type_in(exchange: Exchange, channel: Channel, digits: str) -> None:
    """The caller presses keys, each when the last one was taken."""
    for digit in digits:
        await eventually(lambda: channel.waiter is not None and not channel.frames)
        channel.deliver(Digit(digit))


async def test_the_right_password_goes_on_the_wrong_one_is_asked_again(exchange: Exchange) -> None:
    exchange.pbx.set_global("PASSWORD", "123")
    channel = await caller(exchange, DIALPLAN, "auth")
    await type_in(exchange, channel, "99#123#")
    assert (await said(exchange)).startswith("in")
    prompts = [event.headers[0][1] for event in exchange.heard(events.TestEvent) if event.headers[0][0] == "Message"]
    assert prompts == ["agent-pass", "auth-incorrect", "auth-thankyou"]


async def test_three_wrong_passwords_end_the_call(exchange: Exchange) -> None:
    exchange.pbx.set_global("PASSWORD", "123")
    channel = await caller(exchange, DIALPLAN, "auth")
    await type_in(exchange, channel, "9#9#9#")
    await eventually(lambda: channel.hungup)


async def test_a_password_of_the_database_is_used_up(exchange: Exchange) -> None:
    exchange.pbx.set_global("PASSWORD", "/pins")
    exchange.pbx.set_global("OPTIONS", "dr")
    exchange.pbx.astdb.put("pins", "77", "1")
    channel = await caller(exchange, DIALPLAN, "auth")
    await type_in(exchange, channel, "77#")
    await said(exchange)
    assert exchange.pbx.astdb.get("pins", "77") is None


async def test_a_file_of_accounts_gives_the_account_code(exchange: Exchange, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("anna:202cb962ac59075b964b07152d234b70\n")
    exchange.pbx.set_global("PASSWORD", str(passwords))
    exchange.pbx.set_global("OPTIONS", "ma")
    channel = await caller(exchange, DIALPLAN, "auth")
    await type_in(exchange, channel, "123#")
    await said(exchange)
    assert channel.accountcode == "anna"


async def test_disa_without_a_password_dials_at_once(exchange: Exchange) -> None:
    exchange.pbx.set_global("PASSWORD", "no-password")
    channel = await caller(exchange, DIALPLAN, "disa")
    await type_in(exchange, channel, "42")
    assert await said(exchange) == "reached 42"


async def test_disa_takes_the_password_first(exchange: Exchange) -> None:
    exchange.pbx.set_global("PASSWORD", "555")
    channel = await caller(exchange, DIALPLAN, "disa")
    await type_in(exchange, channel, "555#43")
    assert await said(exchange) == "wrong 43"
    assert channel.accountcode == "555"


@pytest.mark.parametrize(("typed", "expected"), [("42", "OK 42"), ("7", "INVALID i"), ("4#", "INVALID i")])
async def test_an_extension_is_read(exchange: Exchange, typed: str, expected: str) -> None:
    channel = await caller(exchange, DIALPLAN, "read")
    await type_in(exchange, channel, typed)
    assert await said(exchange) == expected


# ---- privacy of Dial ------------------------------------------------------------------------------------

PRIVACY = """
[test]
exten => s,1,Answer()
 same => n,Set(CALLERID(num)=5551234)
 same => n,Dial(Local/far@test,,${OPTIONS})
 same => n,UserEvent(A,X: ${DIALSTATUS})
 same => n,Wait(60)
exten => far,1,Answer()
 same => n,Wait(60)
"""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options are played until a digit comes."""
    play = silent_engine.Leg.play

    def play_on(leg: silent_engine.Leg, prompts: object, **options: object) -> silent_engine.Playback:
        if getattr(prompts, "path", "").endswith("-callee-options.ulaw"):
            return silent_engine.Playback(leg, endless=True)
        return play(leg, prompts, **options)

    monkeypatch.setattr(silent_engine.Leg, "play", play_on)


async def dialled(exchange: Exchange, options: str) -> Channel:
    """A call with Dial's options, whose caller's introduction is there already; the called channel."""
    from offhook.functions import callerid

    exchange.load(callerid)
    exchange.pbx.set_global("OPTIONS", options)
    exchange.dialplan(PRIVACY)
    folder = Path(exchange.pbx.paths.sounds) / "priv-callerintros"
    folder.mkdir(parents=True)
    (Path(exchange.pbx.prompts.directory) / "priv-callerintros").mkdir(exist_ok=True)
    (Path(exchange.pbx.prompts.directory) / "priv-callerintros" / "5551234.sln").write_bytes(bytes(160))
    await exchange.call("Local/s@test", application="Wait", data="60")
    await eventually(lambda: exchange.pbx.channels.by_prefix("Local/far@test-00000001;1") is not None)
    return exchange.named("Local/far@test-00000001;1")


async def answer(exchange: Exchange, called: Channel, digit: str) -> None:
    """The called party presses a key when it hears the options."""

    def asked() -> bool:
        return any(event.headers[0][1].endswith("-callee-options") for event in exchange.heard(events.TestEvent))

    await eventually(asked)
    called.deliver(Digit(digit))


@pytest.mark.parametrize(
    ("digit", "status", "kept"),
    [("2", "NOANSWER", "deny"), ("3", "TORTURE", "torture"), ("4", "DONTCALL", "kill"), ("5", "NOANSWER", "allow")],
)
@pytest.mark.usefixtures("patient")
async def test_the_called_party_refuses_and_that_is_kept(
    exchange: Exchange, digit: str, status: str, kept: str
) -> None:
    called = await dialled(exchange, "gP(me)")
    await answer(exchange, called, digit)
    assert await said(exchange) == status
    assert exchange.pbx.astdb.get("privacy", "me/5551234") == kept


@pytest.mark.usefixtures("patient")
async def test_the_called_party_takes_the_call(exchange: Exchange) -> None:
    called = await dialled(exchange, "gp")
    await answer(exchange, called, "1")
    await eventually(lambda: called.bridge is not None)
    assert exchange.pbx.astdb.get("privacy", "s/5551234") is None


async def test_a_refused_caller_is_not_put_through_again(exchange: Exchange) -> None:
    from offhook.functions import callerid

    exchange.load(callerid)
    exchange.pbx.astdb.put("privacy", "me/5551234", "torture")
    exchange.pbx.set_global("OPTIONS", "gP(me)")
    await caller(exchange, PRIVACY)
    assert await said(exchange) == "TORTURE"
    assert not assigned(exchange, "DIALEDPEERNAME") or assigned(exchange, "DIALEDPEERNAME")[-1] == ""


@pytest.mark.usefixtures("patient")
async def test_who_hangs_up_instead_of_answering_refuses_nothing(exchange: Exchange) -> None:
    called = await dialled(exchange, "gP(me)")
    await eventually(lambda: called.consumer is not None)
    await eventually(lambda: bool(exchange.heard(events.TestEvent)))
    called.far_end_hangup()
    await said(exchange)
    assert exchange.pbx.astdb.get("privacy", "me/5551234") is None
