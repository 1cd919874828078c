"""Time conditions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offhook.dialplan.timing import Timing


def at(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()


WEDNESDAY = "2026-07-15"


@pytest.mark.parametrize(
    ("condition", "moment", "holds"),
    [
        ("*,*,*,*,UTC", f"{WEDNESDAY} 03:00", True),
        (",,,,UTC", f"{WEDNESDAY} 03:00", True),
        ("9:00-17:30,*,*,*,UTC", f"{WEDNESDAY} 09:00", True),
        ("9:00-17:30,*,*,*,UTC", f"{WEDNESDAY} 17:30", True),
        ("9:00-17:30,*,*,*,UTC", f"{WEDNESDAY} 17:31", False),
        ("22:00-6:00,*,*,*,UTC", f"{WEDNESDAY} 23:00", True),
        ("22:00-6:00,*,*,*,UTC", f"{WEDNESDAY} 06:01", False),
        ("8:00&12:00-13:00,*,*,*,UTC", f"{WEDNESDAY} 08:00", True),
        ("8:00&12:00-13:00,*,*,*,UTC", f"{WEDNESDAY} 08:01", False),
        ("*,mon-fri,*,*,UTC", f"{WEDNESDAY} 12:00", True),
        ("*,sat-sun,*,*,UTC", f"{WEDNESDAY} 12:00", False),
        ("*,fri-wed,*,*,UTC", f"{WEDNESDAY} 12:00", True),
        ("*,mon&wed,*,*,UTC", f"{WEDNESDAY} 12:00", True),
        ("*,4,*,*,UTC", f"{WEDNESDAY} 12:00", True),
        ("*,*,15,jul,UTC", f"{WEDNESDAY} 12:00", True),
        ("*,*,10-20,6-8,UTC", f"{WEDNESDAY} 12:00", True),
        ("*,*,16,*,UTC", f"{WEDNESDAY} 12:00", False),
        ("*,*,*,nov-jan,UTC", f"{WEDNESDAY} 12:00", False),
        ("9:00-10:00|*|*|*|UTC", f"{WEDNESDAY} 09:30", True),
        ("9:00-10:00,*,*,*,Europe/Berlin", f"{WEDNESDAY} 07:30", True),
        ("9:00-10:00,*,*,*,Europe/Berlin", f"{WEDNESDAY} 09:30", False),
        ("9:00-10:00,*,*,*,America/New_York", f"{WEDNESDAY} 13:30", True),
    ],
)
def test_condition(condition: str, moment: str, holds: bool):
    assert Timing(condition).holds(at(moment)) is holds


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("25:00-26:00,*,*,*,UTC", '"25:00-26:00" is no time of day'),
        ("*,funday,*,*,UTC", '"funday" is no day of the week'),
        ("*,*,40,*,UTC", '"40" is no day of the month'),
        ("*,*,*,smarch,UTC", '"smarch" is no month'),
    ],
)
def test_a_part_without_sense_is_named_and_never_holds(condition: str, sentence: str, caplog: pytest.LogCaptureFixture):
    assert not Timing(condition, "extensions.conf:7").holds(at(f"{WEDNESDAY} 12:00"))
    assert f"extensions.conf:7: {sentence}" in caplog.text


def test_an_unknown_zone_is_named_and_the_systems_taken(caplog: pytest.LogCaptureFixture):
    assert Timing("*,*,*,*,Middle/Earth").holds(at(f"{WEDNESDAY} 12:00"))
    assert 'there is no time zone "Middle/Earth"' in caplog.text
