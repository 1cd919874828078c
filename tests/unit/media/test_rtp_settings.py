"""rtp.conf as the engine gets it."""

from __future__ import annotations

from pathlib import Path

from offhook.config.parser import load
from offhook.media.engine import Settings
from offhook.media.rtp_settings import read_settings


def settings_of(folder: Path, text: str) -> tuple[Settings, list[str]]:
    (folder / "rtp.conf").write_text(text)
    settings, errors = read_settings(load("rtp.conf", etc_dir=str(folder)))
    return settings, [str(error) for error in errors]


def test_without_a_file_everything_is_asterisks_default() -> None:
    settings, errors = read_settings(None)
    assert not errors
    assert (settings.port_low, settings.port_high, settings.dtmf_timeout_ms) == (5000, 31000, 150)


def test_the_file_is_followed(tmp_path: Path) -> None:
    settings, errors = settings_of(
        tmp_path,
        "[general]\nrtpstart=10000\nrtpend=20000\ndtmftimeout=3000\nrtcpinterval=2000\nstrictrtp=no\nrtpmode=leg\n",
    )
    assert not errors
    assert (settings.port_low, settings.port_high) == (10000, 20000)
    assert settings.dtmf_timeout_ms == 375
    assert settings.rtcp_interval == 2.0
    assert not settings.strict_rtp
    assert settings.socket_mode == "leg"


def test_ports_the_wrong_way_round_are_told_with_file_and_line(tmp_path: Path) -> None:
    settings, errors = settings_of(tmp_path, "; ports\n[general]\nrtpstart=20000\nrtpend=10000\n")
    assert errors and errors[0].startswith("rtp.conf:2: rtpstart 20000 is not below rtpend 10000")
    assert (settings.port_low, settings.port_high) == (5000, 31000)


def test_an_unknown_option_names_the_nearest(tmp_path: Path) -> None:
    _, errors = settings_of(tmp_path, "[general]\nrtpstrat=10000\n")
    assert errors and "rtpstart" in errors[0]
