"""The boot script on U-Boot alone: which system it starts, and when it goes back to the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from image_machine import BOARD, Machine

from cross import boards, image


@pytest.fixture(scope="module")
def card() -> Path:
    return image.image(boards.load(BOARD), compress=False)


def put_state(machine: Machine, sector: bytes) -> None:
    with machine.card.open("r+b") as card:
        card.seek(image.ENVIRONMENT[0])
        card.write(sector)


def test_a_system_that_does_not_start_gives_way_after_three_tries(
    card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """System B is empty on a new card."""
    monkeypatch.setattr(image, "STATE", {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"})
    machine = Machine(tmp_path, card)
    put_state(machine, image.environment())
    console = machine.power_on()
    try:
        for left in (2, 1, 0):
            console.expect(rf"starting slot B .left: A 3, B {left}")
            console.expect("slot B does not start")
        console.expect("starting slot A .left: A 2, B 0")
        console.expect("Starting kernel")
    finally:
        machine.cut_power()


@pytest.mark.parametrize(
    "sector", [bytes(512), b"\xff" * 512, bytes(100) + b"torn" * 103], ids=["empty", "ones", "torn"]
)
def test_a_sector_that_makes_no_sense_starts_the_first_system(card: Path, tmp_path: Path, sector: bytes) -> None:
    machine = Machine(tmp_path, card)
    put_state(machine, sector)
    console = machine.power_on()
    try:
        console.expect("starting slot A .left: A 2, B 3")
        console.expect("Starting kernel")
    finally:
        machine.cut_power()


def test_a_word_at_the_boot_loader_gives_a_rescue_shell(card: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path, card)
    console = machine.power_on()
    try:
        console.expect("Hit any key to stop autoboot")
        console.type("")
        console.expect("=> ")
        console.type("setenv offhook_words offhook.rescue; boot")
        console.expect("rescue shell; 'exit' restarts the box")
        console.type("ls /root/usr/sbin/offhook && grep -c offhook.rescue /proc/cmdline")
        console.expect("\n/root/usr/sbin/offhook\n1\n")
        console.type("exit")
        console.expect(r"U-Boot \d")
    finally:
        machine.cut_power()
