"""The heap on huge pages: as many as said, with what lay there, and no more memory."""

from __future__ import annotations

import re
from pathlib import Path

from support.far_end import Scene

SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")


def figures() -> dict[str, int]:
    """Memory of this process in kB."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return {name: int(kilobytes) for name, kilobytes in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}


def test_what_is_there_is_gathered_and_takes_no_more_memory(scene: Scene) -> None:
    held = [bytes([number % 251]) * 60_000 for number in range(400)]  # 24 MB, in the heap
    before = figures()
    gathered = scene.engine.gather()
    after = figures()
    assert all(block == bytes([number % 251]) * 60_000 for number, block in enumerate(held))
    huge_kilobytes = int(SIZE.read_text()) // 1024 if SIZE.exists() else 0
    assert after["AnonHugePages"] - before["AnonHugePages"] == gathered * huge_kilobytes
    assert after["Rss"] - before["Rss"] < max(2048, huge_kilobytes)
