"""AST_SORCERY reads options of sections."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from offhook.config.parser import loads
from offhook.dialplan.invocation import FunctionError
from offhook.drivers.sip.configuration.reading import read
from offhook.drivers.sip.configuration.sorcery_function import ast_sorcery
from offhook.drivers.sip.stack import PART

TEXT = """
[a]
type = aor
contact = sip:x@192.0.2.1
contact = sip:y@192.0.2.2
[a]
type = endpoint
context = office
allow = !all,ulaw,g722
[a]
type = phoneprov
MAC = 0011
PROFILE = desk
"""


def ask(*arguments: str) -> str:
    stack = SimpleNamespace(config=read(loads(TEXT, "pjsip.conf")))
    scope: Any = SimpleNamespace(pbx=SimpleNamespace(parts={PART: stack}))
    answer = ast_sorcery.read(scope, *arguments)  # type: ignore[attr-defined]
    assert isinstance(answer, str)
    return answer


def test_one_value_or_all() -> None:
    assert ask("res_pjsip", "endpoint", "a", "context") == "office"
    assert ask("res_pjsip", "endpoint", "a", "rtp_symmetric") == "false"
    assert ask("res_pjsip", "endpoint", "a", "allow") == "(ulaw|g722)"
    assert ask("res_pjsip", "aor", "a", "contact") == "sip:x@192.0.2.1,sip:y@192.0.2.2"
    assert ask("res_pjsip", "aor", "a", "contact", "concat", "; ") == "sip:x@192.0.2.1; sip:y@192.0.2.2"
    assert ask("res_pjsip", "aor", "a", "contact", "single", "2") == "sip:y@192.0.2.2"
    assert ask("res_pjsip_phoneprov_provider", "phoneprov", "a", "MAC") == "0011"


@pytest.mark.parametrize(
    "arguments",
    [
        ("", "aor", "a", "contact"),
        ("res_pjsip", "aor", "b", "contact"),
        ("res_pjsip", "aor", "a", "color"),
        ("res_pjsip", "sofa", "a", "contact"),
        ("res_sofa", "aor", "a", "contact"),
        ("res_pjsip", "aor", "a", "contact", "single", "3"),
        ("res_pjsip", "aor", "a", "contact", "single", "x"),
        ("res_pjsip", "aor", "a", "contact", "some"),
    ],
)
def test_what_is_not_there(arguments: tuple[str, ...]) -> None:
    with pytest.raises(FunctionError):
        ask(*arguments)
