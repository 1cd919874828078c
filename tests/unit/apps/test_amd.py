"""Telling people from answering machines by their first words; the clock is the test's."""

from __future__ import annotations

from offhook.apps.amd import Judge, Limits
from offhook.apps.call_control import time_length


def test_hello_and_then_nothing_is_a_person() -> None:
    judge = Judge(Limits())
    assert judge.noise(700) is None
    judge.silence(1050, 400)
    assert judge.look(1799) is None
    assert judge.look(1800) == ("HUMAN", "HUMAN-800-800")


def test_nothing_at_all_is_a_machine() -> None:
    judge = Judge(Limits())
    assert judge.look(2499) is None
    assert judge.next_look(0) == 2500
    assert judge.look(2500) == ("MACHINE", "INITIALSILENCE-2500-2500")


def test_many_words_are_a_machine() -> None:
    judge = Judge(Limits(maximum_number_of_words=2))
    assert judge.noise(300) is None
    judge.silence(600, 250)
    assert judge.noise(800) == ("MACHINE", "MAXWORDS-2-2")


def test_one_long_greeting_is_a_machine() -> None:
    judge = Judge(Limits())
    assert judge.noise(300) is None
    assert judge.next_look(300) == 1400
    assert judge.look(1700) == ("MACHINE", "LONGGREETING-1500-1500")


def test_the_time_for_listening_has_an_end() -> None:
    judge = Judge(Limits(initial_silence=9000))
    assert judge.look(5000) == ("NOTSURE", "TOOLONG-5000")


def test_time_lengths_have_units() -> None:
    assert [time_length(text) for text in ("2", "1.5s", "200ms", "2m", "1H", "x", "")] == [
        2.0,
        1.5,
        0.2,
        120.0,
        3600.0,
        None,
        None,
    ]
