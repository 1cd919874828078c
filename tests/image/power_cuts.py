"""What is written on a box while its power may go, what of it was acknowledged, and what is there afterwards.

Four kinds of writing go on at once: records of calls, recordings (files as voicemail's are), configuration by the
manager interface, values of the database. Each is numbered. What was acknowledged must be there, whole and once; what
was under way may be there whole, or not at all. A recording under way is the one thing that may be there in part.
"""

from __future__ import annotations

import configparser
import csv
import random
import sqlite3
import time
import wave
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from box_story import Box

from cross import rootfs
from offhook.services.cdr.delivery import decode as record_of
from offhook.storage.journal import decode as entries_of
from support.manager import ManagerClient

SECRET = "of the test"
KEYS = 20
"""Values of the configuration that are changed together."""
RECORDED_S = 1
RECORDINGS = "/var/spool/offhook/recordings"
ANSWER_S = 240.0
SKELETON = "/usr/share/offhook/skeleton"
"""In the system of a box: the configuration that a first start begins with."""
FILES = {
    "manager.conf": f"[general]\nenabled = yes\nport = 5038\nbindaddr = 0.0.0.0\n"
    f"[test]\nsecret = {SECRET}\nread = all\nwrite = all\n",
    "cdr_manager.conf": "[general]\nenabled = yes\n",
    "cuts.conf": "[state]\n" + "".join(f"value{number} = 0\n" for number in range(KEYS)),
    "extensions.conf": (rootfs.FILES / "skeleton/extensions.conf").read_text()
    + f"""
[cuts]
exten => call,1,Answer()
 same => n,Hangup()
exten => record,1,Answer()
 same => n,Record(${{RECORDING}}.wav,0,{RECORDED_S},qn)
 same => n,UserEvent(Recorded,Name: ${{RECORDING}},Status: ${{RECORD_STATUS}})
exten => speak,1,Answer()
 same => n,Milliwatt()
""",
}


@dataclass
class Written:
    """Numbers that were acknowledged, by kind; of values that replace each other the last one."""

    calls: set[int] = field(default_factory=set)
    recordings: set[int] = field(default_factory=set)
    configuration: int = 0
    database: int = 0
    begun: int = 0
    """The highest number that was given out."""

    def counts(self) -> Counter[str]:
        """How many writes were acknowledged, by kind."""
        return Counter(
            {
                "records of calls": len(self.calls),
                "recordings": len(self.recordings),
                "changes of configuration": self.configuration,
                "changes of the database": self.database,
            }
        )


def told(counts: Counter[str]) -> str:
    """Counts as a sentence's end."""
    return f"{counts.total()} writes acknowledged: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


class Writer:
    """Writes through the manager interface, and keeps what was acknowledged."""

    def __init__(self, box: Box, written: Written) -> None:
        self.manager = ManagerClient("127.0.0.1", box.manager, "test", SECRET)
        self.written = written

    def round(self) -> None:
        """One of each, up to what acknowledges it."""
        number = self.begin()
        written, manager = self.written, self.manager
        self.wait_for_both(number)
        written.recordings.add(number)
        self.configure(written.configuration + 1)
        written.configuration += 1
        self.store(written.database + 1)
        # A query is answered when everything before it is on the disk, and the record of the call was before it.
        query = "database query \"select value from astdb where key='/cuts/value'\""
        told = manager.action("Command", ANSWER_S, Command=query)
        assert str(written.database + 1) in told.get("Output", ""), told
        written.database += 1
        written.calls.add(number)

    def wait_for_both(self, number: int) -> None:
        """Wait for the record of a call and the end of a recording, in whichever order they come."""
        missing = {("Cdr", "AccountCode", f"n{number}"), ("UserEvent", "Name", f"{RECORDINGS}/r-{number}")}
        while missing:
            event = self.manager.wait_for("Cdr|UserEvent", ANSWER_S)
            found = {one for one in missing if event["Event"] == one[0] and event.get(one[1]) == one[2]}
            assert not found or event.get("Status", "TIMEOUT") == "TIMEOUT", event
            missing -= found

    def begin(self) -> int:
        """Begin a call and a recording; their number."""
        self.written.begun += 1
        number = self.written.begun
        call = {"Channel": "Local/call@cuts", "Application": "Wait", "Data": "1", "Async": "true"}
        self.manager.action("Originate", ANSWER_S, **call, Account=f"n{number}")
        recording = {"Channel": "Local/record@cuts", "Context": "cuts", "Exten": "speak", "Priority": "1"}
        variable = f"__RECORDING={RECORDINGS}/r-{number}"
        self.manager.action("Originate", ANSWER_S, **recording, Variable=variable, Async="true")
        return number

    def configure(self, value: int, answer: float = ANSWER_S) -> None:
        """Change the configuration."""
        changes = {}
        for number in range(KEYS):
            key = f"{number:06d}"
            changes |= {f"Action-{key}": "Update", f"Cat-{key}": "state"}
            changes |= {f"Var-{key}": f"value{number}", f"Value-{key}": str(value)}
        self.manager.action("UpdateConfig", answer, SrcFilename="cuts.conf", DstFilename="cuts.conf", **changes)

    def store(self, value: int) -> None:
        """Change the database."""
        self.manager.action("DBPut", ANSWER_S, Family="cuts", Key="value", Val=str(value))

    def leave_under_way(self) -> None:
        """Have something of each kind under way, and wait for none of it."""
        self.begin()
        manager, written = self.manager, self.written
        lines = [f"Action: DBPut\r\nFamily: cuts\r\nKey: value\r\nVal: {written.database + 1}\r\n\r\n"]
        update = "Action: UpdateConfig\r\nSrcFilename: cuts.conf\r\nDstFilename: cuts.conf\r\n"
        for number in range(KEYS):
            key = f"{number:06d}"
            update += f"Action-{key}: Update\r\nCat-{key}: state\r\nVar-{key}: value{number}\r\n"
            update += f"Value-{key}: {written.configuration + 1}\r\n"
        manager.socket.sendall("".join([*lines, update, "\r\n"]).encode())


def check(found: Path, written: Written) -> None:
    """What is there after a cut. Raises AssertionError; counts what was under way and is there as written."""
    assert b"a phone's secret" in (found / "etc/pjsip_accounts.conf").read_bytes()
    with sqlite3.connect(found / "lib/astdb.sqlite3") as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        row = connection.execute("select value from astdb where key = '/cuts/value'").fetchone()
    value = int(row[0]) if row else 0
    assert written.database <= value <= written.database + 1, f"database: {value}, acknowledged {written.database}"
    written.database = value
    settings = configparser.ConfigParser(strict=False)
    settings.read_string((found / "etc/cuts.conf").read_text())
    values = {settings["state"][f"value{number}"] for number in range(KEYS)}
    assert len(values) == 1, f"a torn configuration: {values}"
    value = int(values.pop())
    assert written.configuration <= value <= written.configuration + 1, f"configuration: {value}"
    written.configuration = value
    for number in written.recordings:
        path = found / f"spool/recordings/r-{number}.wav"
        with wave.open(str(path)) as recording:
            frames, width = recording.getnframes(), recording.getsampwidth()
            assert frames >= 8000 * RECORDED_S * 0.5, f"{path.name}: {frames} samples"
            assert len(recording.readframes(frames)) == frames * width, f"{path.name} is torn"
    check_calls(found, written)


def check_calls(found: Path, written: Written) -> None:
    """Records: each acknowledged one once in the file, or in the journal from which the next start puts it there."""
    with (found / "log/cdr-csv/Master.csv").open(newline="") as file:
        rows = list(csv.reader(file, strict=True))
    whole = [row for row in rows if len(row) == 17]
    assert len(rows) - len(whole) <= 1, "more than the last line is torn"
    assert not rows or rows[:-1] == whole[: len(rows) - 1], "a line is torn that is not the last"
    identities = [row[16] for row in whole]
    assert len(identities) == len(set(identities)), "a record twice"
    filed = {int(row[0][1:]) for row in whole if row[0].startswith("n")}
    journaled = {
        record_of(text).accountcode
        for path in sorted((found / "spool/cdr-journal").glob("*.journal"))
        for text in entries_of(path.read_bytes())
    }
    lost = {number for number in written.calls if number not in filed and f"n{number}" not in journaled}
    assert not lost, f"records lost: {sorted(lost)}"


def cut(box: Box, written: Written, chance: random.Random) -> None:
    """Write for a while, take the power away, look; the exchange answers already."""
    writer = Writer(box, written)
    until = time.monotonic() + chance.uniform(0, 6)
    writer.round()
    while time.monotonic() < until:
        writer.round()
    writer.leave_under_way()
    time.sleep(chance.uniform(0, 1.5))
    box.machine.cut_power()
    writer.manager.close()
    check(box.machine.data(), written)
