"""Random octets: as many as asked for, never the same twice, not shared with children."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.entropy import PAGE, random_hex, random_number


@given(st.integers(0, PAGE))
def test_as_many_as_asked_for(octets: int) -> None:
    digits = random_hex(octets)
    assert len(digits) == 2 * octets
    assert set(digits) <= set("0123456789abcdef")


def test_nothing_is_drawn_twice() -> None:
    drawn = [random_hex(8) for _ in range(PAGE)]
    assert len(set(drawn)) == len(drawn)


@given(st.integers(1, 64))
def test_a_number_has_so_many_bits(bits: int) -> None:
    assert 0 <= random_number(bits) < 1 << bits


def test_a_child_draws_its_own() -> None:
    random_hex(1)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, random_hex(8).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 16).decode() != random_hex(8)
