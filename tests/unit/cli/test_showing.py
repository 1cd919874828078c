"""Commands that show and change small things, through the control socket of a real daemon."""

from __future__ import annotations

import re
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.process import MODULES, Running, write_configuration

MORE = ("func_groupcount", "res_limit", "res_indications", "res_http_media_cache", "res_agi")
PLAN = """
[shown]
exten => 7,1,Answer()
 same => n,Set(GROUP(kind)=callers)
 same => n,Wait(60)
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    """A daemon with groups of channels and a dialplan of ours."""
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    write_configuration(made, modules=MODULES + "".join(f"load = {name}\n" for name in MORE), extensions=PLAN)
    running = Running(made)
    try:
        running.wait()
        yield running
    finally:
        running.end()
        shutil.rmtree(made)


@pytest.fixture
def call(daemon: Any) -> Any:
    """A call between two halves of a Local channel: its number."""
    daemon.run("channel originate Local/7@shown/n application Wait 60")
    for _ in range(200):
        if "callers" in daemon.run("group show channels"):
            break
        time.sleep(0.05)
    found = re.search(r"Local/7@shown-([0-9a-f]{8});1", daemon.run("core show channels"))
    assert found
    yield found[1]
    daemon.run("channel request hangup all")


def test_local_channels_and_groups(daemon: Any, call: str) -> None:
    assert f"Local/7@shown-{call};1 -- Local/7@shown-{call}\n" in daemon.run("local show channels")
    lines = daemon.run("group show channels ^call").splitlines()
    assert lines[0].split() == ["Channel", "Group", "Category"]
    assert lines[1].split() == [f"Local/7@shown-{call};2"[:25], "callers", "kind"]
    assert lines[2] == "1 active channel"
    assert daemon.run("group show channels ^x").endswith("0 active channels\n")
    assert daemon.run("group show channels (").startswith("Usage:")


def test_a_channel_is_watched(daemon: Any, call: str) -> None:
    name = f"Local/7@shown-{call};1"
    assert daemon.run(f"core set debug channel {name}") == f"Debugging enabled on channel {name}\n"
    assert daemon.run(f"core set debug channel {name} off") == f"Debugging disabled on channel {name}\n"
    assert daemon.run("core set debug channel none") == "No such channel none\n"
    assert daemon.run("core set debug channel all") == "Debugging on new channels is enabled\n"
    assert daemon.run("core set debug channel all off") == "Debugging on new channels is disabled\n"


def test_no_local_channels(daemon: Any) -> None:
    for _ in range(200):
        if daemon.run("local show channels") == "No local channels in use\n":
            return
        time.sleep(0.05)
    raise AssertionError


def test_tones_come_and_go(daemon: Any) -> None:
    assert daemon.run('indication add xx dial "425"') == ""
    assert re.search(r"xx +dial +425", daemon.run("indication show xx"))
    assert daemon.run("indication add xx busy nonsense").startswith("busy: ")
    assert "no indication 'ring'" in daemon.run("indication remove xx ring")
    assert daemon.run("indication remove xx dial") == ""
    assert "dial" not in daemon.run("indication show xx").splitlines()[-1]
    assert daemon.run("indication remove xx") == ""
    assert daemon.run("indication show xx") == "Unable to find a country named 'xx'\n"
    assert "it stays" in daemon.run("indication remove us")


def test_limits(daemon: Any) -> None:
    every = daemon.run("ulimit").splitlines()
    assert len(every) == 10 and all(re.match(r"[A-Z].* \(\w+\) is ", line) for line in every)
    soft = resource.getrlimit(resource.RLIMIT_CORE)[0]
    assert daemon.run("ulimit core 0") == ""
    assert daemon.run("ulimit core") == "Core file size (core) is limited to 0.\n"
    assert daemon.run("ulimit stack 5").startswith("Resource not permitted to be set\n")
    assert daemon.run("ulimit nothing").startswith("Unknown resource\n")
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == soft, "the daemon's, not ours"


def test_groups_of_calls_that_consoles_show(daemon: Any) -> None:
    assert daemon.run("logger filter show") == "No filtering currently active\n"
    assert daemon.run("logger filter changroup trunk on") == "Logging of channel group 'trunk' is now enabled\n"
    assert daemon.run("logger filter show") == f"  1 {'trunk':<32}\n1 channel group currently enabled\n"
    assert daemon.run("logger filter reset") == "Log filtering has been reset (1 filter removed)\n"
    assert daemon.run("logger filter changroup trunk").startswith("Usage:")


def test_reports_and_queued_events(daemon: Any) -> None:
    assert daemon.run("rtcp set stats on") == "RTCP Stats Enabled\n"
    assert daemon.run("rtcp set stats off") == "RTCP Stats Disabled\n"
    assert daemon.run("rtcp set stats maybe").startswith("Usage:")
    assert daemon.run("aoc set debug on") == "aoc debug enabled\n"
    assert daemon.run("aoc set debug off") == "aoc debug disabled\n"
    assert daemon.run("manager show eventq") == ""


def test_sounds(daemon: Any) -> None:
    assert daemon.run("core show sounds").startswith("Available audio files:\n")
    assert daemon.run("core show sound no/such").startswith("ERROR: File no/such not found in index\n")


def test_sound_files_of_servers(daemon: Any, tmp_path: Path) -> None:
    file, uri = tmp_path / "hello.wav", "http://127.0.0.1:1/hello.wav"
    file.write_bytes(b"RIFF")
    assert daemon.run(f"media cache create {uri} {tmp_path}/none").startswith(f"Unable to create '{uri}'")
    assert daemon.run(f"media cache create {uri} {file}") == f"Created '{uri}' for '{file}' in the media cache\n"
    assert daemon.run("media cache show all") == f"URI\n\tLocal File\n---------------\n{uri}\n\t{file}\n"
    assert f"Path: {file}\n" in daemon.run(f"media cache show {uri}")
    assert daemon.run(f"media cache refresh {uri}").startswith(f"Unable to refresh '{uri}': {uri}: ")
    assert daemon.run(f"media cache delete {uri}") == f"Deleted '{uri}' from the media cache\n"
    assert daemon.run(f"media cache show {uri}").startswith(f"Unable to find '{uri}' in the media cache\n")


def test_the_manual_of_gateway_commands_as_a_page(daemon: Any, tmp_path: Path) -> None:
    page = tmp_path / "agi.html"
    assert daemon.run(f"agi dump html {page}") == f"AGI HTML commands dumped to: {page}\n"
    text = page.read_text()
    assert text.count("<tr>") == 47 and "STREAM FILE &lt;filename&gt;" in text
    assert daemon.run(f"agi dump html {tmp_path}/none/x").startswith("Could not create file")
