"""A box's start: keys, provisioning and settings, with files in place of a card."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from offhook.config.model import ConfigError
from offhook.config.parser import loads
from offhook.drivers.sip.cloud.settings import read_trunks
from offhook.field import box, provisioned
from offhook.field.box import Places
from offhook.field.provision import read
from unit.field.test_provision import WHOLE


@pytest.fixture
def places(tmp_path: Path) -> Places:
    for name in ("etc", "system", "firmware", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "system/machine-id").write_text("0123456789abcdef\n")
    return Places(
        etc=tmp_path / "etc",
        system=tmp_path / "system",
        firmware=tmp_path / "firmware",
        run=tmp_path / "run",
        hostname=tmp_path / "hostname",
    )


def test_a_provision_is_used_once_and_its_secrets_leave_the_card(places: Places) -> None:
    (places.firmware / "provision.toml").write_text(WHOLE)
    assert box.provision_from(places)
    assert sorted(path.name for path in places.firmware.iterdir()) == ["provision.done.toml"]
    assert "open sesame" not in (places.firmware / "provision.done.toml").read_text()
    assert provisioned.opens("open sesame", (places.system / "console.secret").read_text())
    assert not provisioned.opens("open sesam", (places.system / "console.secret").read_text())
    assert not box.provision_from(places)


def test_a_wrong_provision_changes_nothing_and_says_why(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    (places.firmware / "provision.toml").write_text(WHOLE.replace('"de"', '"Germany"'))
    assert not box.provision_from(places)
    assert not list(places.etc.iterdir())
    told = (places.firmware / "provision-errors.txt").read_text()
    assert told.startswith("provision.toml:6: country of [box]")
    assert told.strip() in capsys.readouterr().out
    (places.firmware / "provision.toml").write_text(WHOLE)
    assert box.provision_from(places)
    assert not (places.firmware / "provision-errors.txt").exists()


def test_a_power_cut_between_use_and_removal_is_no_error(places: Places) -> None:
    (places.firmware / "provision.toml").write_bytes(bytes(500))
    assert not box.provision_from(places)
    assert not list(places.firmware.iterdir())


def test_what_is_written_is_read_by_the_exchange(places: Places) -> None:
    provision = provisioned.apply(read(WHOLE), places.etc, places.system)
    errors: list[ConfigError] = []
    trunks = read_trunks(loads((places.etc / "trunk.conf").read_text(), "trunk.conf"), errors)
    assert errors == []
    assert provision.trunk is not None
    assert trunks["trunk"].host.startswith(provision.trunk.server)
    assert trunks["trunk"].values["media_encryption"] == "sdes"
    accounts = (places.etc / "pjsip_accounts.conf").read_text()
    assert f"password = {provision.accounts[0].password}" in accounts
    assert len(provision.accounts[0].password) == 16
    dialplan = (places.etc / "extensions_provisioned.conf").read_text()
    assert "exten => 101,1,Dial(PJSIP/101,40)" in dialplan
    assert "[from-trunk]\nexten => s,1,Dial(PJSIP/101,40)" in dialplan


def test_passwords_that_were_made_stay_when_it_is_applied_again(places: Places) -> None:
    first = provisioned.apply(read(WHOLE), places.etc, places.system)
    again = provisioned.apply(read(WHOLE), places.etc, places.system)
    assert first.accounts == again.accounts


def test_secrets_are_for_the_owner_alone(places: Places) -> None:
    provisioned.apply(read(WHOLE), places.etc, places.system)
    for path in [*places.etc.iterdir(), places.system / "console.secret"]:
        assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH, path.name


def test_network_and_name(places: Places) -> None:
    provisioned.apply(read(WHOLE), places.etc, places.system)
    box.name(places)
    box.network(places)
    box.time_zone(places)
    assert places.hostname.read_text() == "office"
    text = (places.run / "systemd/network/10-offhook.network").read_text()
    assert "Address=192.168.1.10/24\nGateway=192.168.1.1\nDNS=192.168.1.1\n" in text
    assert os.readlink(places.system / "localtime") == "/usr/share/zoneinfo/Europe/Berlin"


def test_a_box_without_provisioning_has_a_name_of_its_own(places: Places) -> None:
    box.name(places)
    assert places.hostname.read_text() == "offhook-012345"


@pytest.mark.parametrize(("prefix", "disk"), [("vda", "vda"), ("mmcblk0p", "mmcblk0"), ("sda", "sda")])
def test_the_state_of_the_slots_is_found_on_every_kind_of_disk(places: Places, prefix: str, disk: str) -> None:
    (places.run / "offhook-slot").write_text(f"{prefix} 2\n")
    box.slot_environment(places)
    assert (places.run / "fw_env.config").read_text() == f"/dev/{disk} 0x80000 0x200\n"


@pytest.mark.parametrize(("known", "restarts"), [(False, 1), (True, 0)])
def test_a_new_system_that_never_answers_gives_up_its_place_and_an_old_one_stays(
    places: Places, capsys: pytest.CaptureFixture[str], known: bool, restarts: int
) -> None:
    now, restarted = [0.0], []
    if known:
        (places.system / "good").write_text("\n")

    def sleep(seconds: float) -> None:
        now[0] += seconds

    assert box.good(places, lambda: False, lambda: now[0], sleep, lambda: restarted.append(1)) == 1
    assert "does not answer after 300 s" in capsys.readouterr().out
    assert len(restarted) == restarts
