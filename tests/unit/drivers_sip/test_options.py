"""Every option of pjsip.conf is used, or says that it has no effect."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import offhook
from offhook.config.parser import loads
from offhook.drivers.sip.configuration.options import Configured, Option
from offhook.drivers.sip.configuration.reading import TYPES, read

SOURCES = Path(offhook.__file__).parent
BY_RULES = frozenset(("acl", "permit", "deny", "contact_acl", "contact_permit", "contact_deny"))
"""Used as lines in their order (Endpoint.acl_rules, Acl.rules)."""
OF_ANOTHER = {"disallow": "allow"}
"""Options that change another's value."""


def uses() -> dict[str, set[str]]:
    """Names that are read as attributes, and where; what declares an option does not use it."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("drivers/sip", "services"):
        for path in (SOURCES / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found[node.attr].add(path.name)
    return found


def every_option() -> list[tuple[type[Configured], Option]]:
    return [(kind, option) for kind in TYPES.values() for option in kind.OPTIONS.values()]


def test_what_is_not_refused_is_used() -> None:
    used = uses()
    idle = [
        f"{kind.TYPE}/{option.name}"
        for kind, option in every_option()
        if not option.refused
        and option.name not in BY_RULES
        and not used.get(OF_ANOTHER.get(option.name, option.attribute))
    ]
    assert not idle


NEEDED = {
    "registration": "server_uri = sip:a@example.com\nclient_uri = sip:b@example.com\n",
    "outbound-publish": "event = presence\nserver_uri = sip:a@example.com\n",
    "auth": "username = a\npassword = b\n",
}


def another_value(option: Option) -> str:
    """Text for something else than the default."""
    for candidate in ("yes", "no", "7", "400", "fec", "redundancy", "none", "keep:first", "some"):
        try:
            if option.parse(option.default, candidate) != option.default:
                return candidate
        except ValueError:
            continue
    raise AssertionError(f"no value for {option.name}")


@pytest.mark.parametrize(
    ("kind", "option"),
    [pytest.param(k, o, id=f"{k.TYPE}/{o.name}") for k, o in every_option() if o.refused],
)
def test_what_is_refused_says_so_with_file_and_line(kind: type[Configured], option: Option) -> None:
    needed = NEEDED.get(kind.TYPE, "")
    lines = f"[a]\ntype = {kind.TYPE}\n{needed}{option.name} = {another_value(option)}\n"
    config = read(loads(lines, "pjsip.conf"))
    line = 3 + needed.count("\n")
    assert [str(error) for error in config.errors] == [
        f"pjsip.conf:{line}: {option.name} has no effect: {option.refused}"
    ]
    assert "a" in config.objects[kind.TYPE]


def test_a_line_of_a_template_is_told_once() -> None:
    lines = "[t](!)\ntype = endpoint\nt38_udptl = yes\n" + "".join(f"[e{number}](t)\n" for number in range(5))
    config = read(loads(lines, "pjsip.conf"))
    assert len(config.errors) == 1 and len(config.endpoints) == 5


def test_a_default_written_down_is_no_complaint() -> None:
    lines = "[a]\ntype = endpoint\nt38_udptl = no\nstir_shaken = no\nrtp_engine = asterisk\n"
    config = read(loads(lines, "pjsip.conf"))
    assert not config.errors


def test_a_certificate_nobody_checks_is_told() -> None:
    lines = "[t]\ntype = transport\nprotocol = tls\ncert_file = x\nrequire_client_cert = yes\n"
    (error,) = read(loads(lines, "pjsip.conf")).errors
    assert str(error).startswith("pjsip.conf:1: [t]: require_client_cert has no effect without verify_client")
    assert not read(loads(lines + "verify_client = yes\n", "pjsip.conf")).errors
