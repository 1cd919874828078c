"""Records on their way to the backends: what a crash, a power cut or a full disk leaves of them."""

from __future__ import annotations

import asyncio
import random
import resource
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.calls.pbx import Pbx
from offhook.services.cdr.delivery import Batch, Delivery, decode, encode
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.files import csv_line, files_backend
from offhook.services.cdr.record import Disposition, Moment
from offhook.storage.disk import Disk
from offhook.storage.journal import Journal
from offhook.storage.journal import decode as journal_entries
from offhook.storage.journal import encode as journal_entry
from support.simulated_disk import SimulatedDisk
from support.turns import Turns

COLUMNS = ("uniqueid", "clid", "duration", "disposition")
MASTER = "/log/Master.csv"


def record(number: int, clid: str = "") -> Fields:
    """A finished record of its own."""
    return Fields(
        accountcode="",
        src="100",
        dst="200",
        dcontext="in",
        clid=clid or f'"Caller {number}" <100>',
        channel=f"PJSIP/a-{number:08x}",
        dstchannel="",
        lastapp="Dial",
        lastdata="PJSIP/b",
        start=Moment(1.0, 1_700_000_000.25),
        answer=Moment(2.0, 1_700_000_001.25),
        end=Moment(9.0, 1_700_000_008.5),
        duration=8,
        billsec=7,
        disposition=Disposition.ANSWERED,
        amaflags=3,
        uniqueid=f"1700000000.{number}",
        userfield="",
        linkedid="1700000000.1",
        peeraccount="",
        sequence=number,
        variables={"colour": "blue"},
    )


class Lines:
    """Records as lines of Master.csv."""

    def lines(self, fields: Fields) -> list[tuple[str, str]]:
        """The one line."""
        return [(MASTER, csv_line(fields, COLUMNS))]


def delivery(disk: SimulatedDisk, batch: Batch | None = None) -> Delivery:
    """A delivery to Master.csv on a simulated disk."""
    made = Delivery(Pbx(asyncio.get_running_loop()))
    made.batch = batch or Batch()
    made.open("/journal", disk)
    made.backends["csv"] = files_backend(made.pbx, Lines(), disk)
    return made


def written(disk: SimulatedDisk) -> list[str]:
    """The unique ids in Master.csv, whole lines only."""
    lines = disk.read(MASTER).decode().splitlines(keepends=True)
    whole = {csv_line(record(number), COLUMNS): str(number) for number in range(60)}
    return [whole[line] for line in lines if line in whole]


def test_a_record_survives_the_journal() -> None:
    fields = record(1, 'a "quoted"\nname, ü')
    assert decode(encode(fields)) == fields
    assert decode(encode(replace(fields, answer=None))).answer is None


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n")), max_size=8), st.data())
def test_a_torn_journal_gives_its_whole_entries(texts: list[str], data: st.DataObject) -> None:
    content = b"".join(journal_entry(text) for text in texts)
    assert journal_entries(content) == texts
    cut = data.draw(st.integers(0, len(content)))
    found = journal_entries(content[:cut])
    assert found == texts[: len(found)]
    if cut < len(content):
        spoilt = bytearray(content)
        spoilt[cut] ^= 1 << data.draw(st.integers(0, 7))
        found = journal_entries(bytes(spoilt))
        assert found == texts[: len(found)], "a spoilt entry ends it"


async def test_entries_are_safe_in_a_file_that_is_sealed_while_it_is_being_synced() -> None:
    disk = SimulatedDisk()
    journal = Journal(asyncio.get_running_loop(), "/journal", disk)
    journal.append("one")
    journal.append("two")  # the first sync is under way: a further one is needed
    sealed = journal.seal()
    await journal.synced()
    assert journal_entries(disk.named[sealed].kept) == ["one", "two"]
    journal.append("three")
    await journal.synced()
    assert journal_entries(disk.named[journal.path].kept) == ["three"], "and so is what the next file holds"


async def test_the_journal_is_empty_when_all_is_written() -> None:
    disk = SimulatedDisk()
    made = delivery(disk)
    for number in range(10):
        made.add(record(number))
    await made.close()
    assert written(disk) == [str(number) for number in range(10)]
    assert disk.names("/journal") == []


async def test_a_batch_is_in_the_journal_until_it_is_written() -> None:
    disk = SimulatedDisk()
    made = delivery(disk, Batch(enabled=True, size=5))
    for number in range(4):
        made.add(record(number))
    await asyncio.sleep(0.01)
    assert written(disk) == []
    again = delivery(disk)  # the process was killed: nothing was synced, but nothing is lost of what it wrote
    await again.recover()
    assert sorted(written(disk)) == ["0", "1", "2", "3"]
    assert disk.names("/journal") == []


async def test_a_full_disk_keeps_records_until_there_is_room() -> None:
    disk, full = SimulatedDisk(), SimulatedDisk()
    made = delivery(disk)
    full.fails = True
    made.backends["csv"] = files_backend(made.pbx, Lines(), full)
    made.add(record(1))
    await made.close()
    assert disk.names("/journal") != []
    full.fails = False
    await made.recover()
    assert written(full) == ["1"]
    assert disk.names("/journal") == []


async def test_without_a_journal_records_are_written_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    disk, full = SimulatedDisk(), SimulatedDisk()
    full.fails = True
    made = Delivery(Pbx(asyncio.get_running_loop()))
    made.open("/journal", full)
    made.backends["csv"] = files_backend(made.pbx, Lines(), disk)
    made.add(record(1))
    await made.close()
    assert written(disk) == ["1"]
    assert "is not safe" in caplog.text


def test_a_disk_that_is_full_takes_all_or_nothing(tmp_path: Path) -> None:
    path, limits = tmp_path / "new" / "folder" / "lines", resource.getrlimit(resource.RLIMIT_FSIZE)
    disk = Disk()
    disk.make_folder(str(path.parent))
    disk.append(str(path), b"one\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (6, limits[1]))  # room for a beginning
    try:
        with pytest.raises(OSError, match="too large"):
            disk.append(str(path), b"two\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    disk.append(str(path), b"three\n")
    assert path.read_bytes() == b"one\nthree\n"


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), cut_at=st.integers(0, 120), size=st.integers(1, 12), calls=st.integers(1, 30))
def test_a_power_cut_loses_no_finished_call(seed: int, cut_at: int, size: int, calls: int) -> None:
    disk = SimulatedDisk(chance=random.Random(seed), cut_at=cut_at)

    async def live() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(turns := Turns(loop, disk.chance))
        disk.before = turns.pause
        made = delivery(disk, Batch(enabled=size > 1, size=size))
        over = []
        for number in range(calls):
            made.add(record(number))
            if disk.chance.random() < 0.7:
                assert made.journal is not None
                await made.journal.synced()
                if disk.found is None:
                    over = [str(each) for each in range(number + 1)]
        await made.close()
        return over if disk.found is not None else [str(number) for number in range(calls)]

    async def start_again(after: SimulatedDisk) -> None:
        made = delivery(after)
        await made.recover()
        await made.close()
        assert after.names("/journal") == []

    finished = asyncio.run(live())
    after = disk.found or disk
    asyncio.run(start_again(after))
    found = written(after)
    assert len(found) == len(set(found)), "no record is there twice"
    assert set(finished) <= set(found)
