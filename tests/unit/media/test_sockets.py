"""The same over real sockets, in each socket mode that is possible here, in a network namespace of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve()
STORY = HERE.parent / "socket_story.py"


@cache
def own_network() -> tuple[str, ...]:
    """How to run something in a fresh network namespace; empty when that is not permitted."""
    if shutil.which("unshare") and shutil.which("ip"):
        for options in (("-n",), ("-rn",)):
            if subprocess.run(["unshare", *options, "true"], capture_output=True, check=False).returncode == 0:
                return ("unshare", *options)
    return ()


def tell(mode: str) -> dict[str, Any]:
    """Run the story in a mode; what it saw."""
    prefix = own_network()
    command = f"{sys.executable} {STORY} {mode}"
    if prefix:
        command = f"ip link set lo up; exec {command}"
    result = subprocess.run([*prefix, "sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    seen: dict[str, Any] = json.loads(result.stdout)
    return seen


@pytest.mark.parametrize("mode", ["leg", "pool", "steer", "auto"])
def test_calls_over_sockets(mode: str) -> None:
    if mode in ("steer", "auto") and not own_network():
        pytest.skip("no network namespace of our own: steering could take others' packets")
    seen = tell(mode)
    if "refused" in seen:
        assert mode == "steer"
        pytest.skip(seen["refused"])
    assert seen["mode"] == mode if mode != "auto" else seen["mode"] in ("steer", "pool")
    for family, call in seen["calls"].items():
        assert call["received"] == 25, family
        assert call["from_port"] == call["port"], "packets leave from the port that was offered"
        assert call["echo"] == 25
        assert call["rtcp"] >= 1
    assert seen["crowd"]["own_echo"], "nobody hears another's call, even on a shared port"
    ports, descriptors = {"leg": (10, 20), "pool": (4, 8), "steer": (10, 0)}[seen["mode"]]
    assert (seen["crowd"]["ports"], seen["crowd"]["descriptors"]) == (ports, descriptors)
    for family, marks in seen["marked"].items():
        wanted = [0, 184, 0, 136] * 2
        assert (marks["rtp"], marks["rtcp"]) == (wanted, wanted), family
        assert {3, 5} <= set(marks["priorities"])
    assert seen["legs_made"] == 1000
    assert seen["descriptors_after"] == seen["descriptors_before"]
    assert seen["legs_after"] == 0
    if seen["mode"] == "steer":
        assert seen["descriptors_with_legs"] == seen["descriptors_before"], "no descriptor a call"
    assert seen["stopped_descriptors"] == seen["first_descriptors"]
    assert seen["threads_after"] == 1
