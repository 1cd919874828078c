"""An update over the diagnostics login: taken in whole or not at all, installed, told."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from offhook.field import uploads
from offhook.field.uploads import UploadError, install, outcome, receive


def test_it_is_taken_in_under_another_name_first(tmp_path: Path) -> None:
    assert receive(io.BytesIO(b"bundle" * 1000), tmp_path) == 6000
    assert [path.name for path in tmp_path.iterdir()] == ["ready"]
    with pytest.raises(UploadError, match="another update"):
        receive(io.BytesIO(b"x"), tmp_path)


def test_what_is_empty_or_too_large_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UploadError, match="nothing came"):
        receive(io.BytesIO(b""), tmp_path)
    monkeypatch.setattr(uploads, "LARGEST", 10)
    with pytest.raises(UploadError, match="more than"):
        receive(io.BytesIO(b"x" * 11), tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UploadError, match="No such file"):
        receive(io.BytesIO(b"x"), tmp_path / "nowhere")


def test_it_is_installed_and_the_box_restarts_after_the_last_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    left = [2, 1, 0]
    monkeypatch.setattr(uploads.time, "sleep", lambda _seconds: None)
    receive(io.BytesIO(b"bundle"), tmp_path)

    def run(*words: str, **_more: Any) -> str:
        ran.append(words)
        return "Installing\n"

    assert install(run, lambda: left.pop(0), tmp_path) == 0
    assert ran == [("rauc", "install", str(tmp_path / "ready")), ("systemctl", "--no-block", "start", "reboot.target")]
    assert not left
    assert outcome(tmp_path) == (True, "Installing\nThe box restarts into it as soon as no call goes on.\n")
    assert not (tmp_path / "ready").exists()


def test_one_that_is_not_ours_is_told_and_nothing_restarts(tmp_path: Path) -> None:
    ran: list[str] = []
    receive(io.BytesIO(b"bundle"), tmp_path)

    def run(*words: str, **_more: Any) -> str:
        ran.append(words[0])
        return "signature verification failed\nrauc: exit status 1\n"

    assert install(run, lambda: 0, tmp_path) == 1
    assert ran == ["rauc"]
    done, text = outcome(tmp_path)
    assert not done
    assert "signature verification failed" in text


def test_a_system_that_says_nothing_is_told(tmp_path: Path) -> None:
    waited: list[float] = []
    assert outcome(tmp_path, waited.append)[0] is False
    assert sum(waited) >= uploads.WAIT_S - 1
