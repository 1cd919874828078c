"""res_parking.conf and the places of a lot."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.parser import loads
from offhook.services.parking.lots import Lot, LotSettings, read_lots


def test_without_a_default_lot_there_is_one_all_the_same() -> None:
    """It has the extension 700; one that the file has, has an extension only if that says so."""
    lot = read_lots(loads("[one]\nparkext=800\n", "res_parking.conf"))[1]["default"]
    assert (lot.parkext, lot.first) == ("700", 701)
    assert read_lots(loads("[default]\n", "res_parking.conf"))[1]["default"].parkext == ""


def test_lots_are_read() -> None:
    dynamic, lots = read_lots(
        loads(
            """
[general]
parkeddynamic = yes
[default]
parkext => 700
parkpos => 701-720
context => parkedcalls
parkingtime => 60
findslot => next
parkedcalltransfers = both
parkedcallhangup = caller
[other]
comebacktoorigin = no
parkedplay = no
""",
            "res_parking.conf",
        )
    )
    assert dynamic
    lot = lots["default"]
    assert (lot.parkext, lot.first, lot.last, lot.parkingtime, lot.find_next) == ("700", 701, 720, 60, True)
    assert (lot.letters("caller"), lot.letters("callee")) == ("TH", "T")
    assert not lots["other"].comebacktoorigin
    assert not lots["other"].parkedplay


def test_what_is_wrong_is_told(caplog: pytest.LogCaptureFixture) -> None:
    text = "[default]\nparkpos=9-1\nfindslot=last\nparkedplay=me\nsize=4\nparkingtime=long\n"
    lot = read_lots(loads(text, "res_parking.conf"))[1]["default"]
    assert (lot.first, lot.last, lot.parkingtime) == (701, 750, 45)
    assert [message.split(":")[1] for message in caplog.messages] == ["2", "3", "4", "5", "6"]


class Somebody:
    """A parked call of which only the place counts."""


@given(st.sets(st.integers(1, 5)), st.integers(-1, 7), st.booleans(), st.integers(0, 5))
def test_a_free_place_is_within_the_lot_and_free(taken: set[int], wanted: int, find_next: bool, after: int) -> None:
    places: dict[int, Any] = {number: Somebody() for number in taken}
    lot = Lot(LotSettings("x", first=1, last=5, find_next=find_next), places=places, next_place=after)
    found = lot.free_place(wanted)
    if len(taken) == 5:
        assert found is None
    else:
        assert found in set(range(1, 6)) - taken
        if 1 <= wanted <= 5 and wanted not in taken:
            assert found == wanted


def test_next_goes_round() -> None:
    lot = Lot(LotSettings("x", first=1, last=3, find_next=True))
    assert [lot.free_place() for _ in range(4)] == [1, 2, 3, 1]
