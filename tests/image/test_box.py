"""An image from its first start to its reset, on an emulated board: one story, told in order.

``make image-test`` runs it. CUTS=50 cuts the power that often (3 when not given). The console's side of it stays in
build/image/qemu-virt.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import verbs
from box_call import echo_call
from box_story import PASSWORD, PROMPT, PROVISION, Box, new_box, served
from image_machine import BOARD, MIB

from cross import boards, chroot, image, tools
from support import pictures


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with new_box(4096 * MIB) as story:
        yield story
        story.tell_timeline()


def test_a_wrong_provisioning_is_told_at_the_console_and_on_the_card(box: Box) -> None:
    box.machine.put_on_boot("provision.toml", PROVISION.replace('"de"', '"Germany"'))
    console = box.start(login=False)
    for pattern, what in (
        (r"U-Boot \d", "U-Boot"),
        ("starting slot A", "kernel chosen"),
        ("first boot: making an empty data partition", "initial RAM disk"),
        ("provision.toml is not used", "systemd, set-up"),
    ):
        console.expect(pattern)
        box.timeline.append((what, console.elapsed()))
    console.expect('provision.toml:5: country of .box.: write the two letters of a country: "de"')
    console.expect("not provisioned yet")
    box.timeline.append(("console", console.elapsed()))
    log = (box.machine.folder / "console.log").read_text(errors="replace")
    told = [
        *re.findall("offhook: (?!starting)[^\r\n]*", log),
        *re.findall("(?:Offhook|This box|no password)[^\r\n]*", log),
    ]
    picture("provision-wrong", "What is wrong is told at the console", "\n".join(told))
    box.machine.cut_power()
    assert (box.machine.boot_file("provision-errors.txt") or "").startswith("provision.toml:5: country")
    assert box.machine.boot_file("provision.toml")


def test_provisioning_sets_the_box_up_and_its_secrets_leave_the_card(box: Box) -> None:
    box.machine.put_on_boot("provision.toml", box.provisioning())
    console = box.start(login=False)
    console.expect("starting slot A")
    console.expect("provision.toml was used; its secrets are removed")
    console.expect(r"Offhook test-box on ttyAMA0")
    box.timeline.append(("console, second start", console.elapsed()))
    told = console.expect(r"ready: calls can be made ([\d.]+) s after the kernel started")
    box.timeline.append(("calls can be made", console.elapsed()))
    box.timeline.append(("the same by the box's clock, from the kernel on", float(told[1])))


def test_the_console_asks_for_the_password(box: Box) -> None:
    assert box.console is not None
    box.console.type("")
    box.console.expect("Password: ")
    box.console.type("sesame")
    box.console.expect("That is not the password")
    box.console.expect("Password: ")
    box.console.type(PASSWORD)
    box.console.expect(PROMPT)


def test_the_words_of_the_console_fit_a_small_terminal(box: Box) -> None:
    words = ("help", "status", "network", "trunk", "lines", "phones", "logs 5", "update")
    told = {word: box.ask(word) for word in words}
    for word, text in told.items():
        if word != "logs 5":
            assert max(map(len, text.splitlines())) <= 80, (word, text)
    picture("console-help", "The words of the console", f"offhook> help\n{told['help']}")
    shown = ("status", "network", "lines", "trunk")
    picture(
        "console-status", "A box at a glance", "".join(f"offhook> {word}\n{told[word].strip()}\n" for word in shown)
    )
    assert "factory reset" in told["help"]
    assert re.search(r"Name: +test-box", told["status"])
    assert "slot A" in told["status"]
    assert "10.0.2.15" in told["network"]
    assert "100" in told["lines"]
    assert re.search(r"user name 100 +password a phone's secret", told["phones"])
    assert re.search(r"user name 101 +password \w{16}$", told["phones"], re.MULTILINE)
    assert "CET" in box.ask("status") or "CEST" in box.ask("status")


def picture(name: str, title: str, text: str) -> None:
    """Keep a screen for the README."""
    lines = [line for line in text.splitlines() if not line.startswith("[")]
    wide = [line[at : at + pictures.COLUMNS] for line in lines for at in range(0, max(1, len(line)), pictures.COLUMNS)]
    pictures.keep(name, pictures.terminal(title, "\n".join(wide[: pictures.ROWS])))


def test_verbs_of_the_diagnostics_login(box: Box) -> None:
    verbs.story(box)
    status, told = box.diagnose("help")
    assert status == 2
    picture("verbs", "What ssh diag@box can be asked for", f"$ ssh diag@box help\n{told}")


def test_no_word_of_it_reaches_a_shell(box: Box) -> None:
    verbs.attempts(box)


def test_a_phone_calls_through_the_box(box: Box) -> None:
    tone, other = asyncio.run(echo_call(box))
    assert tone > 2000
    assert tone > 10 * other


def update(box: Box, bundle: Path) -> str:
    """Install a bundle by the console; what was told."""
    with served(bundle.parent) as port:
        return box.ask(f"update http://10.0.2.2:{port}/{bundle.name}", seconds=1200)


def test_an_update_over_ssh_starts_the_other_system(box: Box) -> None:
    bundle = image.bundle(boards.load(BOARD), system=box.system)
    with bundle.open("rb") as given:
        done = subprocess.run(box.ssh_command("update"), stdin=given, capture_output=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert box.console is not None
    box.console.expect("starting slot B")
    box.console.expect("ready: calls can be made")
    box.log_in()
    assert "slot B" in box.ask("status")


def test_a_bundle_of_somebody_else_is_refused(box: Box, tmp_path: Path) -> None:
    bundle = tmp_path / "other.raucb"
    shutil.copy(box.card.with_name(f"offhook-{BOARD}.raucb"), bundle)
    with bundle.open("r+b") as out:
        out.seek(-200, os.SEEK_END)
        out.write(b"somebody else")
    assert "exit status" in update(box, bundle)


def test_an_update_that_does_not_start_is_given_up(box: Box) -> None:
    board = boards.load(BOARD)
    broken = box.machine.folder / "broken.ext4"
    broken.touch()
    os.truncate(broken, box.system.stat().st_size)
    image.write_sparse(box.system, broken, 0)
    script = "debugfs -w -R 'rm /usr/lib/systemd/systemd' /box/broken.ext4"
    chroot.run(tools.with_image_tools(), script, {"box": box.machine.folder})
    told = update(box, image.bundle(board, "broken", broken, "broken.raucb"))
    broken.unlink()
    box.card.with_name("broken.raucb").unlink()
    assert "succeeded" in told, told
    assert box.console is not None
    box.console.type("reboot")
    for left in (2, 1, 0):
        box.console.expect(rf"starting slot A .left: A {left}")
    box.console.expect("starting slot B")
    box.console.expect("ready: calls can be made")
    box.log_in()
    assert "slot B" in box.ask("status")


def test_a_factory_reset_leaves_a_new_box(box: Box) -> None:
    assert box.console is not None
    box.console.type("reset")
    box.console.expect('Write "RESET"')
    box.console.type("RESET")
    box.console.expect("factory reset: making an empty data partition")
    box.console.expect("not provisioned yet")
