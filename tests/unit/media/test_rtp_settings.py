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
        "[general]\nrtpstart=10000\nrtpend=20000\ndtmftimeout=3000\nrtcpinterval=2000\nstrictrtp=seqno\nsocket_mode=leg\n",
    )
    assert not errors
    assert (settings.port_low, settings.port_high) == (10000, 20000)
    assert settings.dtmf_timeout_ms == 375
    assert settings.rtcp_interval == 2.0
    assert settings.strict_rtp == "seqno"
    assert settings.socket_mode == "leg"


def test_ports_the_wrong_way_round_are_told_with_file_and_line(tmp_path: Path) -> None:
    settings, errors = settings_of(tmp_path, "; ports\n[general]\nrtpstart=20000\nrtpend=10000\n")
    assert errors and errors[0].startswith("rtp.conf:2: rtpstart 20000 is not below rtpend 10000")
    assert (settings.port_low, settings.port_high) == (5000, 31000)


def test_what_is_out_of_bounds_is_clamped_or_told(tmp_path: Path) -> None:
    settings, errors = settings_of(tmp_path, "[general]\nrtcpinterval=100\nrtpstart=99\nrtpend=70000\n")
    assert not errors
    assert (settings.rtcp_interval, settings.port_low, settings.port_high) == (0.5, 1024, 65535)
    settings, errors = settings_of(tmp_path, "[general]\nrtpstart=10001\nprobation=1\ndtmftimeout=65000\n")
    assert [error.partition(": ")[0] for error in errors] == ["rtp.conf:3", "rtp.conf:4", "rtp.conf:1"]
    assert (settings.port_low, settings.probation, settings.dtmf_timeout_ms) == (10002, 4, 150)


def test_an_unknown_option_names_the_nearest(tmp_path: Path) -> None:
    _, errors = settings_of(tmp_path, "[general]\nrtpstrat=10000\n")
    assert errors and "rtpstart" in errors[0]


def test_ice_stun_turn_and_what_may_be_told(tmp_path: Path) -> None:
    settings, errors = settings_of(
        tmp_path,
        "[general]\nstunaddr=stun.example:19302\nturnaddr=192.0.2.5\nturnusername=me\nturnpassword=secret\n"
        "ice_deny=10.0.0.0/8\nice_permit=10.1.0.0/16\nsrtpreplayprotection=no\ndtls_mtu=900\n"
        "[ice_host_candidates]\n192.168.1.10 => 198.51.100.4\n"
        "192.168.1.11 => 198.51.100.5,include_local_address\nhere => there\n",
    )
    ice = settings.ice
    assert ice.enabled and not settings.replay_protection and settings.dtls_mtu == 900
    assert ice.stun is not None and (ice.stun.host, ice.stun.port) == ("stun.example", 19302)
    assert ice.turn is not None and ice.turn == type(ice.turn)("192.0.2.5", 3478, "me", "secret")
    assert [ice.allows(host) for host in ("10.2.0.1", "10.1.0.1", "192.0.2.1")] == [False, True, True]
    assert ice.advertised("192.168.1.10") == ["198.51.100.4"]
    assert ice.advertised("192.168.1.11") == ["192.168.1.11", "198.51.100.5"]
    assert ice.advertised("192.168.1.12") == ["192.168.1.12"]
    assert len(errors) == 1 and errors[0].startswith("rtp.conf:13: ")


def test_ice_can_be_turned_off(tmp_path: Path) -> None:
    settings, errors = settings_of(tmp_path, "[general]\nicesupport=false\n")
    assert not errors and not settings.ice.enabled
