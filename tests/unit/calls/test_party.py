"""Identities as people write them."""

import pytest

from offhook.calls.party import Name, Number, Party, parse_callerid


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ('"Joe" <123>', "Joe", "123"),
        ("Joe <(1) 2-3>", "Joe", "123"),
        ("<123>", "", "123"),
        ("Joe <1234", "Joe", "1234"),
        ('"Joe" <>', "Joe", ""),
        ("123-45", "", "12345"),
        ('"123"', "123", ""),
        ("Joe", "Joe", ""),
        ('"a\\"b" <1>', 'a"b', "1"),
        ("", "", ""),
    ],
)
def test_callerid(text, name, number):
    assert parse_callerid(text) == (name, number)


def test_only_valid_parts_are_labels():
    assert Party(Name(True, "Joe"), Number(False, "1")).labels() == ("", "Joe")
