"""Numbers of ISDN: prefixes of callers, types of numbers that go out, presentation."""

from __future__ import annotations

import pytest

from offhook.calls.party import Party
from offhook.drivers.dahdi.isdn import numbers
from support.isdn_story import start
from support.line_story import Office

SETTINGS = {
    "internationalprefix": "00",
    "nationalprefix": "0",
    "localprefix": "0711",
    "privateprefix": "",
    "unknownprefix": "",
}


@pytest.mark.parametrize(
    ("number", "plan", "wanted"),
    [("4930", 0x11, "004930"), ("30", 0x21, "030"), ("55", 0x41, "071155"), ("55", 0x00, "55"), ("", 0x11, "")],
)
def test_prefixes_of_numbers_that_come_in(number: str, plan: int, wanted: str) -> None:
    assert numbers.prefixed(number, plan, SETTINGS) == wanted


@pytest.mark.parametrize(
    ("number", "dialplan", "wanted"),
    [
        ("004930", "dynamic", ("4930", 0x11)),
        ("Nx004930", "dynamic", ("004930", 0x23)),
        ("030", "dynamic", ("30", 0x21)),
        ("004930", "redundant", ("004930", 0x11)),
        ("55", "dynamic", ("55", 0x41)),
        ("55", "national", ("55", 0x21)),
        ("Ne55", "unknown", ("55", 0x21)),
        ("N55", "unknown", ("55", 0x20)),
        ("u55", "international", ("55", 0x10)),
        ("q55", "national", ("55", 0x21)),
        ("p55", "unknown", ("55", 0x09)),
        ("55", "from_channel", ("55", 7)),
    ],
)
def test_types_of_numbers_that_go_out(number: str, dialplan: str, wanted: tuple[str, int]) -> None:
    assert numbers.typed(number, dialplan, SETTINGS, 7) == wanted


def test_a_country_without_national_prefix_has_national_numbers() -> None:
    """As Asterisk: a prefix that is not set stands before every number."""
    settings = {**SETTINGS, "nationalprefix": ""}
    assert numbers.typed("55", "dynamic", settings) == ("55", numbers.NATIONAL)


def test_who_calls_by_presentation() -> None:
    """A number without a digit is told as none at all, and hides its name with it when there is no number."""
    settings = {"hidecallerid": False, "hidecalleridname": False, "usecallingpres": False, **SETTINGS}
    settings["prilocaldialplan"] = "national"
    shown = numbers.caller_of(Party.of("55", "Alice"), settings)
    assert (shown.number, shown.name, shown.presentation) == ("55", "Alice", 0x01)
    letters = numbers.caller_of(Party.of("anonymous", "Alice"), settings)
    assert (letters.number, letters.name) == ("", "Alice")
    nobody = numbers.caller_of(Party.of(None, "Alice"), settings)
    assert (nobody.number, nobody.name, nobody.presentation) == (None, None, 0x43)
    withheld = Party.of("55", "Alice")
    withheld.present(0x23)
    told = numbers.caller_of(withheld, {**settings, "usecallingpres": True})
    assert (told.presentation, told.name_presentation) == (0x23, 0x20)


async def test_prefixes_are_for_callers_and_withheld_numbers_say_so(office: Office) -> None:
    """The number called is as it came, whatever its type; a caller without number has its presentation."""
    plan = """
[from-network]
exten => 712,1,Set(GLOBAL(WHO)=${CALLERID(num)} ${CALLERID(ani)} ${CALLERID(num-pres)} ${CALLEDTON})
 same => n,Hangup(17)
"""
    network = "usecallingpres = yes\npridialplan = national\nprilocaldialplan = national"
    lines = await start(office, network, "nationalprefix = 0", plan=plan)
    for number, presentation, wanted in (("30", 0x00, "030 030 allowed_not_screened 33"), ("", 0x23, "prohib 33")):
        channel = lines.request("g1/712", None, ("", ""))
        channel.connected.id = Party.of(number)
        channel.connected.id.present(presentation)
        assert channel.get("TRANSFERCAPABILITY") == "SPEECH"
        channel.tech_call("")
        await office.until(lambda channel=channel: channel.hungup, 5)  # type: ignore[misc]
        assert (office.pbx.globals.get("WHO") or "").split() == wanted.split()


async def test_the_number_called_is_added_to_the_tag(office: Office) -> None:
    """append_msn_to_cid_tag, on the user side."""
    await start(office, "", "cid_tag = box\nappend_msn_to_cid_tag = yes")
    alice = office.phone(1)
    await office.dial(alice, "1712")
    await office.until(lambda: office.pbx.globals.get("WHO") == "712", 10)
    assert office.channel("DAHDI/i4/101-").caller.id.tag == "box_712"
