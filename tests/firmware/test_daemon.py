"""A real daemon beside a simulated board: beats while calls can be made, and the commands."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.supervisor_board import FIRMWARE, PATIENCE_S, Board

MODULES_CONF = """\
[modules]
autoload = no
load => res_board.so
load => res_supervisor.so
load => res_pjsip.so
load => chan_pjsip.so
load => pbx_config.so
"""
PJSIP_CONF = """\
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}
"""


@pytest.fixture
def daemon(board: Board, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon whose supervisor is the board, which runs by the real clock."""
    files = {
        "modules.conf": MODULES_CONF,
        "supervisor.conf": f"[general]\ndevice = {board.port}\n",
        "pjsip.conf": PJSIP_CONF,
        "extensions.conf": "[default]\nexten => 1,1,Hangup()\n",
    }
    board.free(True)
    with Daemon(tmp_path / "daemon", files) as running:
        yield running


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_lines_come_to_the_exchange_and_go_when_it_stops(daemon: Daemon, board: Board) -> None:
    until(lambda: "Host:          healthy" in daemon.cli("supervisor show"))
    until(lambda: "Ringing:       on, 90.0 V" in daemon.cli("supervisor show"))
    for line in (
        "Beats:         sent, calls can be made",
        "FXS 1:         with the exchange",
        "Battery:       on, 48.0 V, 30 mA",
        "Firmware:      1.0.0 (frozen)",
    ):
        until(lambda line=line: line in daemon.cli("supervisor show"))
    assert "host healthy" in daemon.cli("supervisor log")
    assert daemon.cli("supervisor relay 1 lifeline") == "Relay 1: lifeline\n"
    until(lambda: "FXS 1:         on the lifeline (FXO 1)" in daemon.cli("supervisor show"))
    assert "There is no relay 9" in daemon.cli("supervisor relay 9 lifeline", check=False)
    daemon.cli("supervisor stop")
    until(lambda: "Battery:       off" in daemon.cli("supervisor show"))
    assert daemon.cli("supervisor resume") == "Resumed.\n"
    until(lambda: "Ringing:       on" in daemon.cli("supervisor show"))
    daemon.stop()
    board.free(False)
    board.advance(4000)
    assert (board.outputs[3], board.outputs[4]) == (0, 0)


def test_no_beats_while_no_call_could_be_made(daemon: Daemon) -> None:
    until(lambda: "Host:          healthy" in daemon.cli("supervisor show"))

    def emptied() -> bool:
        for context in daemon.cli("dialplan show").split("[ Context '")[1:]:
            daemon.cli(f"dialplan remove context {context.partition(chr(39))[0]}", check=False)
        return "withheld: dialplan: no context is loaded" in daemon.cli("supervisor show")

    until(emptied)
    until(lambda: "FXS 1:         on the lifeline" in daemon.cli("supervisor show"))
    daemon.cli("dialplan reload")
    until(lambda: "Host:          healthy" in daemon.cli("supervisor show"))


def test_failing_power_is_written_down(daemon: Daemon, board: Board) -> None:
    until(lambda: "Host:          healthy" in daemon.cli("supervisor show"))
    board.free(False)
    board.set(analog={"input": 9000})
    board.free(True)
    until(lambda: "everything is written before the power goes" in daemon.log())
    assert "supervisor: input power is failing (9.0 V)" in daemon.log()


def test_an_update_over_the_cli(daemon: Daemon, board: Board, tmp_path: Path) -> None:
    file = tmp_path / "new.ofw"
    tool = FIRMWARE / "tools/bundle.py"
    subprocess.run([sys.executable, tool, file], check=True, capture_output=True)
    assert "is no firmware" in daemon.cli(f"supervisor update {tool}", check=False)
    until(lambda: "Host:          healthy" in daemon.cli("supervisor show"))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        said = pool.submit(daemon.cli, f"supervisor update {file}")
        while not said.done():
            board.watch()
            time.sleep(0.02)
    assert said.result() == "Firmware 1.0.0 runs on trial and is confirmed after ten beats.\n"
    until(lambda: "1.0.0 (slot 1)" in daemon.cli("supervisor show"))
