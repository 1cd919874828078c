"""Which part read which file, and whether it changed since; and where everything lives."""

import os
from pathlib import Path

import pytest

from offhook.config.model import Section
from offhook.config.parser import loads
from offhook.config.paths import Paths
from offhook.config.store import Configuration, Mapping


def test_a_file_is_remembered_with_what_it_includes(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("[a]\n#include y.conf\n")
    (tmp_path / "y.conf").write_text("v=1\n")
    configuration = Configuration(str(tmp_path))
    assert configuration.changed("x.conf", "app_x")
    config = configuration.load("x.conf", "app_x")
    assert config is not None
    assert config.value("a", "v") == "1"
    assert configuration.readers(str(tmp_path / "x.conf")) == ["app_x"]
    assert not configuration.changed("x.conf", "app_x")
    os.utime(tmp_path / "y.conf", ns=(1, 1))
    assert configuration.changed("x.conf", "app_x")


def test_a_missing_file_is_none_until_it_appears(tmp_path: Path) -> None:
    configuration = Configuration(str(tmp_path))
    assert configuration.load("x.conf", "app_x") is None
    assert not configuration.changed("x.conf", "app_x")
    (tmp_path / "x.conf").write_text("[a]\n")
    assert configuration.changed("x.conf", "app_x")


def test_mistakes_are_logged_and_a_missing_include_refuses_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.conf").write_text("[a]\nnonsense\n#include nix.conf\n")
    assert Configuration(str(tmp_path)).load("x.conf", "app_x") is None
    assert 'x.conf:2: "nonsense" has no "="' in caplog.text
    assert 'x.conf:3: the file "nix.conf" does not exist' in caplog.text


def test_a_database_can_stand_in_for_a_file(tmp_path: Path) -> None:
    class Table(Mapping):
        driver = "test"

        def sections(self, name: str) -> list[Section]:
            return loads(f"[{name}]\nfrom=table\n").sections

    configuration = Configuration(str(tmp_path))
    configuration.mappings["x.conf"] = Table()
    config = configuration.load("x.conf", "app_x")
    assert config is not None
    assert config.value("x.conf", "from") == "table"


def test_paths_follow_asterisk_conf() -> None:
    paths = Paths("/somewhere/asterisk.conf")
    paths.read(
        loads(
            "[directories]\nastvarlibdir => /v\nastdatadir => /d\nastspooldir => /s\nastrundir => /r\n"
            "[files]\nastctl = my.ctl\nastctlpermissions = 0660\n"
        )
    )
    assert paths.etc == "/somewhere"
    assert paths.astdb == "/v/astdb.sqlite3"
    assert (paths.keys, paths.sounds, paths.monitor) == ("/d/keys", "/d/sounds", "/s/monitor")
    assert (paths.socket, paths.pid_file, paths.control_mode) == ("/r/my.ctl", "/r/asterisk.pid", "0660")
    paths.socket_override = "/other"
    assert paths.socket == "/other"
    assert paths.environment()["AST_SPOOL_DIR"] == "/s"


def test_a_template_section_of_directories_changes_nothing() -> None:
    paths = Paths("/etc/asterisk/asterisk.conf")
    paths.read(loads("[directories](!)\nastvarlibdir => /v\n"))
    assert paths.varlib == "/var/lib/asterisk"
