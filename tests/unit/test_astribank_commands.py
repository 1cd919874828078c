"""What can be said to a simulated box by whoever tries something with it, and what it answers to nonsense."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kernel_shims.astribank.simulated.box import SimulatedAstribank
from kernel_shims.astribank.simulated.running import Commands
from kernel_shims.astribank.simulated.usbip import VirtualSocket

SHIMS = Path(__file__).resolve().parents[2] / "kernel-shims"


@pytest.fixture
def commands() -> Commands:
    """Of a box that is not plugged in."""
    box = SimulatedAstribank("A1")
    return Commands(box, VirtualSocket(box))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("frob", 'no command "frob"; there are state, lift'),
        ("lift", "write lift LINE"),
        ("lift 1 2", "write lift LINE"),
        ("lift 16", "there is no telephone 16, but 0 to 15"),
        ("lower x", "there is no telephone x, but 0 to 15"),
        ("contact 4 open", "there is no input contact 4, but 0 to 3"),
        ("contact 0 perhaps", "write contact NUMBER open|close"),
        ("say 0 xyz", "say 0 xyz: non-hexadecimal"),
    ],
)
def test_what_makes_no_sense_is_answered_by_what_does(commands: Commands, line: str, sentence: str) -> None:
    assert sentence in json.loads(commands.obey(line))["error"]


def test_telephones_and_contacts_move(commands: Commands) -> None:
    assert json.loads(commands.obey("lift 9")) == {"ok": None}
    assert json.loads(commands.obey("contact 2 close")) == {"ok": None}
    state = json.loads(commands.obey("state"))["ok"]
    assert state["phones"][9]["off_hook"] and state["inputs"] == [False, False, True, False] and not state["plugged"]
    assert "contact NUMBER open|close" in json.loads(commands.obey(""))["ok"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "load the driver: modprobe vhci-hcd"),
        (["/nowhere/there.sock"], "/nowhere/there.sock: No such file or directory"),
        (["--serial", "far-too-long"], "argument --serial: invalid label value: 'far-too-long'"),
    ],
)
def test_what_keeps_it_from_running_is_told_in_a_sentence(arguments: list[str], sentence: str) -> None:
    command = (sys.executable, "-m", "kernel_shims.astribank.simulated", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SHIMS, stdin=subprocess.DEVNULL)
    if not arguments and not done.returncode:
        pytest.skip("this machine has the driver loaded")
    assert done.returncode and sentence in done.stderr and "Traceback" not in done.stderr
