"""The console of a box: which words are its own, pages, the password."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from offhook.field import box_console, provisioned
from offhook.field.box_console import COMMANDS, find, logged_in, show
from offhook.field.provision import Account, Network, Provision


def test_its_own_words_are_found_and_everything_else_is_the_exchanges() -> None:
    found = find("logs 200")
    assert found is not None
    assert found[1] == ["200"]
    assert find("core show channels") is None
    assert find("logsx") is None
    assert find("trunk") is not None
    assert find("trunk test cloud") is None


def test_help_fits_a_small_terminal() -> None:
    lines = COMMANDS["help"][0]([]).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_long_answers_come_page_by_page(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    answers = iter(["", "q"])

    def prompt(text: str) -> str:
        asked.append(text)
        return next(answers)

    show("\n".join(map(str, range(100))), prompt)
    assert asked == ["-- 78 more; Enter, or q --", "-- 56 more; Enter, or q --"]
    assert capsys.readouterr().out.splitlines() == [str(number) for number in range(44)]


def test_the_password_is_asked_for_until_it_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(box_console.time, "sleep", slept.append)
    secret = tmp_path / "console.secret"
    secret.write_text(provisioned.sealed("open sesame"))
    answers = iter(["sesame", "", "open sesame"])
    assert logged_in(secret, lambda _: next(answers))
    assert slept == [2.0], "to press Enter is no attempt"


def test_a_box_that_was_never_provisioned_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert logged_in(tmp_path / "console.secret", lambda _: "")
    assert "provision.toml" in capsys.readouterr().out


def test_passwords_that_the_box_made_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_console, "Places", lambda: SimpleNamespace(etc=tmp_path))
    assert "provision.toml" in COMMANDS["phones"][0]([])
    accounts = (Account("100", "Reception", "chosen"), Account("101", "", "made"))
    (tmp_path / "pjsip_accounts.conf").write_text(
        provisioned.accounts(
            Provision("box", "UTC", "de", "", Network(), accounts=accounts),
            Account(provisioned.PROBE, "Probe phone", "of nobody's"),
        )
    )
    told = COMMANDS["phones"][0]([])
    assert "user name 101              password made" in told
    assert "nobody" not in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_reset_asks_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert COMMANDS["reset"][0]([]) == "Nothing was done."
