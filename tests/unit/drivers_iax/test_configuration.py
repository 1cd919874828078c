"""iax.conf, dial strings and register lines, as they are read."""

from __future__ import annotations

import pytest

from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.drivers.iax import outgoing, registrations
from offhook.drivers.iax.outgoing import DialString
from offhook.drivers.iax.reading import Reading, read
from offhook.iax.proof import MD5, PLAINTEXT, RSA
from offhook.iax.seal import AES128, KEY_ROTATION


def _read(text: str) -> Reading:
    return read(loads(text, "iax.conf"), NamedAcls())


def test_entries_take_what_general_says_unless_they_say_otherwise() -> None:
    found = _read(
        """
        [general]
        language = de
        mohinterpret = passthrough
        disallow = all
        allow = ulaw,gsm
        [trunk](!)
        type = friend
        trunk = yes
        [west](trunk)
        secret = a;b
        language = fr
        disallow = all
        allow = alaw
        context = one
        context = two
        [guest]
        type = user
        """
    )
    west, guest = found.entries["west"], found.entries["guest"]
    assert not found.errors
    assert west.is_user and west.is_peer and guest.is_user and not guest.is_peer
    assert west["trunk"] and west["language"] == "fr" and guest["language"] == "de"
    assert west["mohinterpret"] == "passthrough"
    assert [each.name for each in west.formats] == ["alaw"]
    assert [each.name for each in guest.formats] == ["ulaw", "gsm"]
    assert west.context == "one" and west.allows_context("two") and not west.allows_context("three")
    assert guest.context == "default" and guest.allows_context("default")


def test_how_who_calls_proves_himself() -> None:
    found = _read(
        """
        [general]
        encryption = yes
        [a]
        type = user
        secret = x
        [b]
        type = user
        inkeys = k
        [c]
        type = user
        auth = md5,plaintext
        encryption = no
        forceencryption = yes
        """
    )
    a, b, c = (found.entries[name] for name in "abc")
    assert (a.methods, b.methods, c.methods) == (MD5, RSA, MD5 | PLAINTEXT)
    assert a.encryption == AES128 | KEY_ROTATION and c.encryption


def test_what_is_wrong_is_told_with_its_line() -> None:
    found = _read(
        """[general]
qualifyy = yes
calltokenoptional = nowhere
[nobody]
secret = x
[callnumberlimits]
10.0.0.0/255.0.0.0 = 5
10.0.0.0/8 = many
[peer]
type = peer
qualify = soon
permit = 300.1.1.1
"""
    )
    told = [str(error) for error in found.errors]
    assert len(told) == 6, told
    assert told[0].startswith("iax.conf:2:") and "[nobody] has no type" in " ".join(told)
    assert [(str(network), limit) for network, limit in found.limits] == [("10.0.0.0/8", 5)]


def test_bandwidth_chooses_formats() -> None:
    low = _read("[general]\nbandwidth = low\n").formats
    assert "ulaw" not in [each.name for each in low] and "gsm" in [each.name for each in low]
    assert [each.name for each in _read("").formats][:2] == ["ulaw", "alaw"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("east", DialString("east")),
        ("east/600", DialString("east", exten="600")),
        ("east/600@office/a", DialString("east", exten="600", context="office", options="a")),
        ("me:secret@192.0.2.1:4570/s", DialString("192.0.2.1", 4570, "me", "secret", exten="s")),
        ("me:[key]@east/1", DialString("east", username="me", key="key", exten="1")),
        ("me:[key]:secret@east", DialString("east", username="me", secret="secret", key="key")),
        ("me:secret:[key]@east", DialString("east", username="me", secret="secret", key="key")),
        ("me@[2001:db8::1]:4570/9", DialString("2001:db8::1", 4570, "me", exten="9")),
        ("2001:db8::1/9", DialString("2001:db8::1", exten="9")),
        ("me:p@ss@east", DialString("east", username="me", secret="p@ss")),
        ("", DialString()),
    ],
)
def test_dial_strings(text: str, found: DialString) -> None:
    assert outgoing.parse(text) == found


def test_register_lines() -> None:
    assert registrations.parse("me:secret@host:4570") == registrations.Line("me", "secret", "host", 4570)
    assert registrations.parse("me@host") == registrations.Line("me", "", "host", 4569)
    for wrong in ("", "host", "me@", "@host", "me@host:port"):
        with pytest.raises(ValueError, match="register =>"):
            registrations.parse(wrong)
