"""Boards: the files of the checkout are right, a wrong one is told with line and remedy, a box knows itself."""

from pathlib import Path
from typing import Any

import pytest

from offhook.field.board import describe
from offhook.field.boards import Board, BoardError, every, folders, identity, load, this_board

BOARDS = Path(__file__).resolve().parents[3] / "boards"


def test_every_board_of_the_checkout_is_right() -> None:
    found = dict(every(BOARDS))
    assert {"rpi3", "rpi4", "rpi-zero2w", "rpi5", "beaglebone-black", "qemu-virt"} <= set(found)
    wrong = [str(board) for board in found.values() if isinstance(board, BoardError)]
    assert not wrong, "\n".join(wrong)


def test_a_board_is_described_within_eighty_columns() -> None:
    for _, board in every(BOARDS):
        assert isinstance(board, Board)
        assert all(len(line) <= 80 for line in describe(board)), board.key


def test_two_boards_never_answer_to_one_name() -> None:
    names = [name for _, board in every(BOARDS) if isinstance(board, Board) for name in board.compatible]
    assert len(names) == len(set(names))


def _changed(tmp_path: Path, old: str, new: str) -> str:
    folder = tmp_path / "rpi4"
    folder.mkdir()
    for file in (BOARDS / "rpi4").iterdir():
        text = file.read_text()
        if file.name == "board.toml":
            assert old in text
            text = text.replace(old, new, 1)
        (folder / file.name).write_text(text)
    with pytest.raises(BoardError) as caught:
        load(folder)
    return str(caught.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('state = "untested"', 'state = "fine"', 'board.toml:4: state = "fine" is not one of supported, untested, un'),
        ("power_fail = 22", "power_fial = 22", "there is no function power_fial; there are supervisor_reset"),
        ("power_fail = 22", "power_fail = 17", "power_fail and supervisor_reset have the same line 17"),
        ("power_fail = 22", 'power_fail = "22"', "power_fail must be the number of a GPIO line"),
        ('device = "ttyS1"\nbaud', 'device = "ttyS0"\nbaud', "does not name the console; add console=ttyS0"),
        ("hertz = 2000000\n", "", "a link of kind spi needs hertz"),
        ('kind = "uart"', 'kind = "spi"', 'kind = "spi" is not one of uart, simulated'),
        ('kind = "spi"', 'kind = "i2c"', 'kind = "i2c" is not one of spi, simulated'),
        ("mode = 3", "mode = 3\nbaud = 9600", "a link of kind spi has no baud; take it out"),
        ('overlays = ["offhook.dtso"]', 'overlays = ["other.dtso"]', "overlays names other.dtso, which is not in"),
        ("[watchdog]", "[watchdogs]", "the file knows no key watchdogs"),
        ("seconds = 15\n", "", "[watchdog] needs seconds; add it"),
        ('architecture = "arm64"', "architecture = [", "board.toml: "),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in _changed(tmp_path, old, new)


def test_the_line_is_told(tmp_path: Path) -> None:
    text = (BOARDS / "rpi4/board.toml").read_text().splitlines()
    line = next(number for number, one in enumerate(text, 1) if one.startswith("power_fail"))
    assert _changed(tmp_path, "power_fail = 22", "power_fial = 22").startswith(f"board.toml:{line}: ")


def test_a_box_knows_itself_by_its_device_tree(tmp_path: Path) -> None:
    model = tmp_path / "compatible"
    model.write_bytes(b"raspberrypi,4-compute-module\0brcm,bcm2711\0")
    found = this_board(BOARDS, identity(model), "")
    assert found is not None
    assert found.key == "rpi4"
    assert this_board(BOARDS, ("vendor,other",), "") is None
    assert this_board(BOARDS, identity(tmp_path / "nothing"), "") is None


def test_a_name_given_counts_more() -> None:
    found = this_board(BOARDS, ("raspberrypi,4-model-b",), "qemu-virt")
    assert found is not None
    assert found.key == "qemu-virt"
    with pytest.raises(BoardError, match="there are beaglebone-black, qemu-virt"):
        this_board(BOARDS, (), "nothing")


def test_boards_are_found_in_the_checkout() -> None:
    assert BOARDS in list(folders())


def test_the_console_shows_them(daemon: Any) -> None:
    assert "qemu-virt" in daemon.run("board list")
    assert daemon.run("board show rpi4").startswith("Board:         rpi4: Raspberry Pi 4")
    assert "There is no board" in daemon.run("board show nix")
    assert "no board of ours" in daemon.run("board show")
