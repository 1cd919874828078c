"""What a diagnostics login may say, and that nothing else gets anywhere."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.field.diag.mos import mos, rating
from offhook.field.diag.page import Plot, levels, page, plot
from offhook.field.diag.redact import HIDDEN, redacted
from offhook.field.diag.verbs import VERBS, VerbError, parse, usage
from support.escapes import ESCAPES


@pytest.mark.parametrize("line", ESCAPES)
def test_what_is_no_verb_gets_nowhere(line: str) -> None:
    with pytest.raises(VerbError):
        parse(line)


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("status", "status", []),
        ("  calls  ", "calls", []),
        ("tail 5", "tail", ["5"]),
        ("trace 600", "trace", ["", "600"]),
        ("trace alice", "trace", ["alice"]),
        ("trace alice 20", "trace", ["alice", "20"]),
        ("trace 004930123", "trace", ["004930123"]),
        ("trace *43 60", "trace", ["*43", "60"]),
        ("capture 10", "capture", ["10"]),
        ("bundle", "bundle", []),
        ("probe +49301234", "probe", ["+49301234"]),
        ("probe 600 cloud", "probe", ["600", "cloud"]),
    ],
)
def test_verbs(line: str, name: str, arguments: list[str]) -> None:
    verb, found = parse(line)
    assert (verb.name, found) == (name, arguments)


@given(st.text(alphabet=string.printable + "äß\u2028", max_size=80))
def test_what_gets_through_has_no_character_that_means_anything_to_anybody(line: str) -> None:
    try:
        verb, arguments = parse(line)
    except VerbError:
        return
    assert verb.name in VERBS
    for word in arguments:
        assert set(word) <= set(string.ascii_letters + string.digits + "_.@:/-*#+")


def test_the_help_fits_a_terminal() -> None:
    assert all(len(line) <= 80 for line in usage().splitlines())
    assert all(f"  {name}" in usage() for name in VERBS)


# ---- secrets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "secret = tr0ub4dor",
        "password=tr0ub4dor",
        "  Password => tr0ub4dor ; mine",
        "outbound_auth/password = tr0ub4dor",
        "md5_cred = tr0ub4dor",
        "register => user:tr0ub4dor@host/5",
        "dsn = postgresql://u:tr0ub4dor@db/x",
        "adminpin=tr0ub4dor",
        "Authorization: Digest username=x, response=tr0ub4dor",
        "Proxy-Authorization: Digest tr0ub4dor",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:tr0ub4dor",
        "curl https://me:tr0ub4dor@example.com/",
    ],
)
def test_secrets_are_hidden(line: str) -> None:
    text = redacted(f"[a]\n{line}\nhost = example.com\n")
    assert "tr0ub4dor" not in text
    assert HIDDEN in text
    assert "host = example.com" in text


@pytest.mark.parametrize("line", ["auth_type = userpass", "context = a", "identify_by = auth_username"])
def test_what_is_no_secret_stays(line: str) -> None:
    assert redacted(line) == line


def test_passwords_of_mailboxes() -> None:
    assert redacted("100 => 4711,Alice,a@example.com\n", mailboxes=True) == f"100 => {HIDDEN},Alice,a@example.com\n"


# ---- figures ----------------------------------------------------------------------------------------


def test_scores() -> None:
    assert 4.3 < mos(rating("PCMU", 0, 20, 1)) < 4.5
    assert mos(rating("PCMU", 0.05, 20, 1)) < 4.0
    assert mos(rating("PCMU", 0, 500, 1)) < 3.0
    assert mos(rating("G729", 0, 20, 1)) < mos(rating("PCMU", 0, 20, 1))
    assert mos(rating("PCMU", 1.0, 20, 1)) < 1.5


@given(st.floats(0, 1), st.floats(0, 2000), st.floats(0, 500))
def test_scores_are_within_their_scale(loss: float, delay: float, jitter: float) -> None:
    assert 1.0 <= mos(rating("opus", loss, delay, jitter)) <= 4.5


def test_the_page_is_safe_and_whole() -> None:
    made = page(
        "Box <1>", ["a & b"], [Plot("Calls", {"": [0.0, 2.0, 1.0]})], {"Log": "<script>x</script>"}, {"f": "</pre>"}
    )
    assert "<script>" not in made
    assert "Box &lt;1&gt;" in made
    assert "at most 2" in made
    assert "nothing was recorded" in plot(Plot("x", {"": [None, None]}))
    assert plot(levels("DAHDI/1", [-20.0, None, -19.0], [None, -90.0, -12.0])).count("<polyline") == 3
