"""The image of a Raspberry Pi 3 on QEMU's board of that name: kernel, drivers of the board, services.

The board's own first stage and U-Boot are left out: no emulator has the processor that runs the first.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from image_machine import Console, Machine

from cross import boards, chroot, image, kernel, tools


def test_the_image_of_a_raspberry_pi_3_reaches_its_console(tmp_path: Path) -> None:
    board = boards.load("rpi3")
    made = image.parts(board)
    machine = Machine(tmp_path, image.image(board, compress=False), size=image.TOTAL)
    which = kernel.newest(board.kernel_flavour)
    tree = kernel.image(which) / f"usr/lib/linux-image-{which.name}/broadcom"
    (tmp_path / "board.dtb").write_bytes((tree / "bcm2837-rpi-3-b.dtb").read_bytes())
    script = """
debugfs -R 'dump /boot/vmlinuz /box/vmlinuz' /made/rootfs.ext4
debugfs -R 'dump /boot/initrd.img /box/initrd.img' /made/rootfs.ext4
"""
    chroot.run(tools.with_image_tools(), script, {"box": tmp_path, "made": made})
    words = f"root=PARTUUID={board.disk_id}-02 rauc.slot=A ro {board.command_line} systemd.watchdog_sec=off"
    command = [
        *("qemu-system-aarch64", "-M", "raspi3b", "-nographic", "-monitor", "none", "-serial", "null"),
        *("-serial", "stdio", "-kernel", "/box/vmlinuz", "-initrd", "/box/initrd.img", "-dtb", "/box/board.dtb"),
        *("-drive", "if=sd,format=raw,file=/box/card.img", "-append", words, "-no-reboot"),
    ]
    machine.process = subprocess.Popen(
        chroot.command(tools.tree(), command, {"box": tmp_path}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        start_new_session=True,
    )
    console = Console(machine.process, tmp_path / "console.log")
    try:
        console.expect("first boot: making an empty data partition", seconds=900)
        console.expect("Offhook offhook-[0-9a-f]{6} on ttyS1", seconds=900)
        print(f"\nconsole of the Raspberry Pi 3 after {console.elapsed():.0f} s of wall time")
        console.expect("ready: calls can be made", seconds=900)
    finally:
        machine.cut_power()
