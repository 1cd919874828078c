"""Dial's option O: a caller cannot end the call with an operator, and is rung when it hangs up."""

from __future__ import annotations

import pytest

from support.line_story import Office

PHONES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
threewaycalling = yes
channel => 1
channel => 2
"""
PLAN = """
[phones]
exten => 0,1,Dial(DAHDI/2,60,O)
exten => 9,1,Dial(DAHDI/2,60,O(2))
exten => 8,1,Dial(DAHDI/2,60)
"""

ELSEWHERE = """
[phones]
exten => 0,1,Dial(Local/x@there/n,5,O)
[there]
exten => x,1,Answer()
 same => n,Wait(9)
"""


async def reach(office: Office, exten: str) -> None:
    """Phone 1 calls the operator at phone 2."""
    await office.start(PHONES, PLAN)
    caller, operator = office.phone(1), office.phone(2)
    await office.dial(caller, exten)
    await office.until(lambda: operator.ringing)
    operator.off_hook()
    await office.advance(0.5)
    assert len(office.pbx.bridges) == 1


async def test_a_caller_who_hangs_up_is_rung_at_once(office: Office) -> None:
    await reach(office, "0")
    caller, operator = office.phone(1), office.phone(2)
    caller.flash()
    await office.advance(1)
    assert len(office.pbx.channels) == 2, "the caller has no control of the line"
    caller.on_hook()
    await office.until(lambda: caller.ringing)
    await office.until(lambda: operator.hears(440, 480))
    caller.off_hook()
    await office.advance(2)
    assert len(office.pbx.bridges) == 1 and not caller.ringing
    operator.on_hook()
    await office.until(lambda: not len(office.pbx.channels))
    caller.on_hook()
    await office.advance(1)


async def test_the_operator_rings_the_caller_by_a_flash(office: Office) -> None:
    await reach(office, "9")
    caller, operator = office.phone(1), office.phone(2)
    operator.flash()
    await office.advance(2)
    assert len(office.pbx.channels) == 2, "a flash does nothing while the caller is there"
    caller.on_hook()
    await office.advance(8)
    assert not caller.ringing and len(office.pbx.bridges) == 1
    operator.flash()
    await office.until(lambda: caller.ringing)
    operator.on_hook()
    await office.until(lambda: not len(office.pbx.channels))
    await office.advance(1)
    assert not caller.ringing


async def test_without_it_the_call_is_over(office: Office) -> None:
    await reach(office, "8")
    office.phone(1).on_hook()
    await office.until(lambda: not len(office.pbx.channels))
    office.phone(2).on_hook()
    await office.advance(1)


async def test_it_takes_phones(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    await office.start(
        PHONES, "[phones]\nexten => 0,1,Dial(Local/x@there/n,5,O)\n[there]\nexten => x,1,Answer()\n same => n,Wait(9)\n"
    )
    phone = office.phone(1)
    await office.dial(phone, "0")
    await office.until(lambda: "cannot be left to an operator" in caplog.text)
    phone.on_hook()
    await office.advance(1)
