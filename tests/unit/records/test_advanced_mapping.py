"""Lines and rows of records by field names: cdr_custom.conf, cel_custom.conf and their SQLite brothers."""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.model import ConfigError
from offhook.config.parser import loads
from offhook.services.advanced_mapping import entries, read_lines
from offhook.services.cdr import core, files, sqlite
from offhook.services.cdr.delivery import Batch
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.mapping import CDR_FIELDS
from offhook.services.cdr.record import Disposition, Moment, Rules
from offhook.services.cel import files as cel_files
from offhook.services.cel import tables as cel_tables
from offhook.services.cel.engine import CelEngine, CelRecord

START = 1_700_000_000.25
RECORD = Fields(
    accountcode="",
    src="101",
    dst="102",
    dcontext="phones",
    clid='"Ali,ce" <101>',
    channel="PJSIP/alice-1",
    dstchannel="PJSIP/bob-2",
    lastapp="Dial",
    lastdata="PJSIP/bob,20",
    start=Moment(10.0, START),
    answer=None,
    end=Moment(20.0, START + 10),
    duration=10,
    billsec=0,
    disposition=Disposition.BUSY,
    amaflags=3,
    uniqueid="1700000000.1",
    userfield="",
    linkedid="1700000000.1",
    peeraccount="",
    sequence=7,
    variables={"Colour": "blue"},
)
EVENT = CelRecord(
    event="USER_DEFINED",
    time=START,
    user_defined="Door",
    caller_name="Alice",
    caller_number="101",
    caller_ani="101",
    caller_rdnis="",
    caller_dnid="102",
    exten="102",
    context="phones",
    channel="PJSIP/alice-1",
    application="CELGenUserEvent",
    data="Door",
    ama_flags=3,
    account="",
    peer_account="",
    uniqueid="1.1",
    linkedid="1.1",
    tenantid="",
    user_field="",
    peer="",
    extra='{"extra":"opened"}',
)


def line(options: str, record: Fields = RECORD) -> str:
    """The line that a section with these options makes of a record."""
    (section,) = loads(f"[file]\n{options}\n", "cdr_custom.conf")
    return read_lines(section, "cdr_custom.conf", CDR_FIELDS).line(record)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("fields = src,dst, billsec", '"101","102","0"'),
        ("fields = clid,uniqueid(noquote),sequence(noquote)", '"""Ali,ce"" <101>",1700000000.1,7'),
        (
            "fields = Src , DISPOSITION,disposition(int64),amaflags,amaflags(int64)",
            '"101","BUSY","4","DOCUMENTATION","3"',
        ),
        ("fields = colour(uservar),none(uservar)", '"blue",""'),
        ('fields = "Some, Literal",src', '"Some, Literal","101"'),
        ("fields = start(int64),start(double^noquote),answer(int64),answer", '"1700000000",1700000000.250000,"0",""'),
        ("fields = src,duration\nquoting_method = non_numeric", '"101",10'),
        ("fields = src,clid\nquoting_method = minimal", '101,"""Ali,ce"" <101>"'),
        ("fields = src(quote),clid(noquote)\nquoting_method = none", '"101","""Ali,ce"" <101>"'),
        ("fields = src,clid\nseparator_character = \\t\nquoting_method = minimal", '101\t"""Ali,ce"" <101>"'),
        ("fields = src,clid\nquote_character = '\nquote_escape_character = \\", "'101','\"Ali,ce\" <101>'"),
    ],
)
def test_a_line(options: str, expected: str) -> None:
    assert line(options) == expected


def test_times_are_written_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert line("fields = start,end(%H.%M,%S)") == '"2023-11-14 22:13:20","22.13,30"'
    finally:
        monkeypatch.undo()
        time.tzset()


def test_json() -> None:
    text = line('format = json\nfields = clid,"My: Literal",duration,disposition,colour(uservar)')
    assert text == (r'{"clid":"\"Ali,ce\" <101>","My":"Literal","duration":10,"disposition":"BUSY","colour":"blue"}')


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_whatever_stands_in_a_field_can_be_read_again(text: str) -> None:
    record = RECORD
    kept, record.userfield = record.userfield, text
    try:
        assert json.loads(line("format = json\nfields = userfield"))["userfield"] == text
        if "\r" not in text and "\n" not in text:
            assert next(csv.reader([line("fields = userfield,src")])) == [text, "101"]
    finally:
        record.userfield = kept


@given(st.text())
def test_entries_take_anything(text: str) -> None:
    assert all(entry == entry.strip() and entry for entry in entries(text))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("format = json", r"cdr_custom.conf:1: \[file\] has no fields"),
        ("fields = src,colour", "there is no field 'colour'"),
        ("fields = src(quote^noquote)", "both quote and noquote"),
        ("fields = src(%H)", "only a time has a format"),
        ("fields = src(loud)", "'loud' in src.loud. is no qualifier"),
        ("fields = src\nformat = xml", "format = xml: dsv or json"),
        ("fields = src\nquoting_method = some", "quoting_method = some: all, minimal"),
        ('fields = "name"\nformat = json', "needs a name in JSON"),
    ],
)
def test_what_cannot_be_is_said(options: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        line(options)


async def test_files_and_databases_of_records(exchange: Any, tmp_path: Path) -> None:
    """Beside those whose lines are worked out as in the dialplan; a section with an error harms no other."""
    (tmp_path / "cdr_custom.conf").write_text(
        "[mappings]\nold.csv => ${CDR(src)}\n[new.csv]\nfields = src,dst\n[bad.csv]\nfields = nothing\n"
    )
    (tmp_path / "cdr_sqlite3_custom.conf").write_text(
        "[new]\ncolumns = 'who',\"whom\", seconds\nfields = src,clid,duration\n"
        "[old.db]\ncolumns = who\nvalues = '${CDR(src)}'\n"
    )
    pbx = exchange.pbx
    pbx.paths = SimpleNamespace(log=str(tmp_path))
    engine = pbx.parts["cdr"] = CdrEngine(pbx)
    engine.configure(Rules(), Batch())
    exchange.load(core)
    files.load_custom(pbx)
    await sqlite.load(pbx)
    engine.delivery.add(RECORD)
    await files.unload_custom(pbx)
    await sqlite.unload(pbx)
    assert (tmp_path / "cdr-custom/new.csv").read_text() == '"101","102"\n'
    assert (tmp_path / "cdr-custom/old.csv").read_text() == "101\n"
    assert not (tmp_path / "cdr-custom/bad.csv").exists()
    with sqlite3.connect(tmp_path / "new.db") as database:
        assert database.execute("select who, whom, seconds from cdr").fetchall() == [("101", '"Ali,ce" <101>', "10")]
    with sqlite3.connect(tmp_path / "old.db") as database:
        assert database.execute("select who from cdr").fetchall() == [("101",)]


async def test_files_and_databases_of_channel_events(exchange: Any, tmp_path: Path) -> None:
    (tmp_path / "cel_custom.conf").write_text(
        "[mappings]\nold.csv => ${eventtype}\n"
        "[new.csv]\nfields = EventType,eventenum,EventTime,amaflags,amaflags(amaflags),eventextra,num\n"
        "[new.json]\nformat = json\nfields = eventtype,eventtime(float),amaflags\n"
    )
    (tmp_path / "cel_sqlite3_custom.conf").write_text("[new.db]\ncolumns = what,at\nfields = eventtype,eventtime\n")
    pbx = exchange.pbx
    engine = pbx.parts["cel"] = CelEngine(pbx)
    pbx.paths = SimpleNamespace(log=str(tmp_path))
    cel_files.load_custom(pbx)
    await cel_tables.load_sqlite(pbx)
    for write in list(engine.backends.values()):
        write(EVENT)
    await cel_files.unload_custom(pbx)
    await cel_tables.unload_sqlite(pbx)
    assert (tmp_path / "cel-custom/new.csv").read_text() == (
        '"Door","USER_DEFINED","1700000000.250000","3","DOCUMENTATION","{""extra"":""opened""}","101"\n'
    )
    assert json.loads((tmp_path / "cel-custom/new.json").read_text()) == {
        "eventtype": "Door",
        "eventtime": START,
        "amaflags": 3,
    }
    assert (tmp_path / "cel-custom/old.csv").read_text() == "Door\n"
    with sqlite3.connect(tmp_path / "new.db") as database:
        assert database.execute("select what, at from cel").fetchall() == [("Door", "1700000000.250000")]
