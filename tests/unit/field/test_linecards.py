"""``linecard check`` on a board whose line cards are simulated."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import HOST, Running, write_configuration


@pytest.fixture(scope="module")
def box() -> Iterator[Running]:
    """A daemon that takes itself for QEMU's board."""
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    write_configuration(
        made,
        modules="[modules]\nautoload=no\nload => res_board.so\nload => res_linecard.so\nload => res_supervisor.so\n",
    )
    shims = HOST.parent / "kernel-shims"
    running = Running(made, environment={"OFFHOOK_BOARD": "qemu-virt", "PYTHONPATH": f"{HOST}:{shims}"})
    try:
        running.wait()
        yield running
    finally:
        running.end()
        shutil.rmtree(made)


def test_a_phone_line(box: Running) -> None:
    said = box.run("linecard check phone")
    assert re.search(r"Battery:  -7\d\.\d V", said)
    assert "Verdict:  good" in said
    assert "simulated" in said


def test_an_exchange_line(box: Running) -> None:
    assert "Line:     48 V" in box.run("linecard check exchange gb")
    assert 'xchange line: the termination of "xx" is not known' in box.run("linecard check exchange xx")


def test_a_supervisor_that_does_not_answer_is_reset(box: Running) -> None:
    assert "the supervisor has not answered" in box.run("supervisor show")
    assert box.run("supervisor reset") == "Reset, by GPIO line 0.\n"


def test_the_board_is_shown(box: Running) -> None:
    assert box.run("board show").startswith("Board:         qemu-virt: QEMU virt (arm64)")
