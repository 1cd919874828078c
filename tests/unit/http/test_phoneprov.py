"""Phones fetch their configuration: profiles, lines, templates, and what is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from offhook.calls.provisioning import providers_of
from offhook.control.phoneprov import module as phoneprov
from offhook.control.phoneprov.zones import zone_variables
from offhook.dialplan.plan import Dialplan
from offhook.functions.strings import text as strings
from offhook.modules import Module
from offhook.modules.module import LoadError
from offhook.modules.registry import Registry

from .conftest import Client

PROFILES = """
[general]
default_profile = desk
serverport = 5070
[desk]
mime_type = text/xml
staticdir = fixed/
setvar = GREETING = hello ${DISPLAY_NAME}
static_file => boot.ld
static_file => readme,text/x-readme
${TOUPPER(${MAC})}.cfg => desk.cfg
broken-${MAC}.cfg => none.cfg
out-${MAC}.cfg => ../secret
[wall]
static_file => wall.cfg
"""
USERS = """
[general]
vmexten = 8500
[joe]
autoprov = yes
macaddress = aabb01
username = 100
fullname = Joe
secret = s1
linenumber = 1
timezone = America/Denver
[ann]
autoprov = yes
macaddress = aabb02
username = 200
fullname = Ann
[lost]
autoprov = yes
username = 300
[quiet]
macaddress = aabb03
username = 400
"""
TEMPLATE = """user ${USERNAME} at ${SERVER}:${SERVER_PORT} vm ${VOICEMAIL_EXTEN} says ${GREETING} zone ${TZOFFSET}
${PP_EACH_EXTENSION(${MAC},line.cfg)}${PP_EACH_USER(<%{DISPLAY_NAME}>,${MAC})}
"""


@pytest.fixture
async def provisioned(pbx: Any, server: Any, tmp_path: Path) -> Any:
    pbx.registry = Registry()
    pbx.dialplan = Dialplan(pbx)
    for source in (phoneprov, strings):
        for found in vars(source).values():
            if isinstance(found, Module):
                pbx.registry.add(found)
    (tmp_path / "phoneprov.conf").write_text(PROFILES)
    (tmp_path / "phoneprov_users.conf").write_text(USERS)
    folder = tmp_path / "phoneprov"
    (folder / "fixed").mkdir(parents=True)
    (folder / "fixed/boot.ld").write_bytes(b"\x00\x01boot")
    (folder / "fixed/readme").write_text("read me")
    (folder / "desk.cfg").write_text(TEMPLATE)
    (folder / "line.cfg").write_text("line ${LINE} is ${USERNAME} at ${SERVER}\n")
    (tmp_path / "secret").write_text("secret")
    phoneprov.load(pbx)
    yield pbx
    phoneprov.unload(pbx)


async def test_files_for_all_come_as_they_are(provisioned: Any, server: Any) -> None:
    client = await Client(server).open()
    status, headers, body = await client.get("/phoneprov/boot.ld")
    assert (status, headers["content-type"], body) == (200, "application/octet-stream", b"\x00\x01boot")
    status, headers, body = await client.get("/phoneprov/readme")
    assert (headers["content-type"], body) == ("text/x-readme", b"read me")


async def test_templates_are_filled_in(provisioned: Any, server: Any) -> None:
    client = await Client(server).open()
    status, headers, body = await client.get("/phoneprov/AABB02.cfg")
    assert (status, headers["content-type"]) == (200, "text/plain")
    first, second, third, *_ = body.decode().splitlines()
    assert first.startswith("user 200 at 127.0.0.1:5070 vm 8500 says hello Ann zone ")
    assert (second, third) == ("line 1 is 200 at 127.0.0.1", "<Joe>")


async def test_lines_of_a_phone_from_a_provider(provisioned: Any, server: Any) -> None:
    known = [
        {"MAC": "ccdd", "PROFILE": "desk", "USERNAME": "11", "LINE": "2", "DISPLAY_NAME": "Eve", "SERVER": "pbx"},
        {"MAC": "ccdd", "PROFILE": "desk", "USERNAME": "10", "LINE": "1", "DISPLAY_NAME": "Eve", "SERVER": "pbx"},
    ]
    providers_of(provisioned).add("others", lambda: known)
    client = await Client(server).open()
    _, _, body = await client.get("/phoneprov/CCDD.cfg")
    assert "user 10 at pbx:" in body.decode()
    assert "line 1 is 10 at pbx\nline 2 is 11 at pbx\n<Joe><Ann>" in body.decode()
    providers_of(provisioned).remove("others")
    assert (await client.get("/phoneprov/CCDD.cfg"))[0] == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("/phoneprov/none", 404), ("/phoneprov/broken-aabb01.cfg", 500), ("/phoneprov/out-aabb01.cfg", 500),
     ("/phoneprov/aabb03.cfg", 404)],
)  # fmt: skip
async def test_what_is_not_there(provisioned: Any, server: Any, path: str, status: int) -> None:
    client = await Client(server).open()
    answer, _, body = await client.get(path)
    assert answer == status and b"secret" not in body


async def test_what_is_wrong_is_told(provisioned: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    lines = [
        {"MAC": "aabb01", "PROFILE": "desk", "USERNAME": "1"},
        {"MAC": "ee", "PROFILE": "sofa", "USERNAME": "1"},
        {"MAC": "ef", "PROFILE": "desk"},
        {"MAC": "f0", "PROFILE": "desk", "USERNAME": "1", "TIMEZONE": "Moon/Base"},
        {"MAC": "f1", "PROFILE": "desk", "USERNAME": "1"},
        {"MAC": "f1", "PROFILE": "desk", "USERNAME": "2"},
    ]
    providers_of(provisioned).add("others", lambda: lines)
    for sentence in ("known from sipusers already", "no profile [sofa]", "without USERNAME", "is no time zone",
                     "has a line 1 already"):  # fmt: skip
        assert sentence in caplog.text
    setup = "\n".join(record.getMessage() for record in caplog.get_records("setup"))
    assert "phoneprov_users.conf:17: [lost] has autoprov = yes and no macaddress" in setup
    (tmp_path / "phoneprov.conf").write_text("[general]\n")
    with pytest.raises(LoadError, match="no profile"):
        phoneprov.reload(provisioned)
    assert "AABB02.cfg" in phoneprov.provisioning_of(provisioned).routes, "what was stays"


@pytest.mark.parametrize(
    ("zone", "moment", "told"),
    [
        ("America/Denver", (2024, 7, 1), ("-25200", "1", "3/10/3", "11/3/1")),
        ("America/Denver", (2024, 12, 1), ("-25200", "1", "3/9/3", "11/3/1")),
        ("Europe/Zurich", (2024, 7, 1), ("3600", "1", "3/31/3", "10/27/2")),
        ("Asia/Tokyo", (2024, 7, 1), ("32400", None, None, None)),
        ("Australia/Sydney", (2024, 12, 1), ("36000", "1", "10/6/3", "4/6/2")),
    ],
)
def test_zones(zone: str, moment: tuple[int, int, int], told: tuple[str | None, ...]) -> None:
    found = zone_variables(zone, datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp())

    def date(prefix: str) -> str | None:
        parts = [found.get(f"{prefix}_{part}") for part in ("MONTH", "MDAY", "HOUR")]
        return "/".join(part or "" for part in parts) if any(parts) else None

    assert (found["TZOFFSET"], found.get("DST_ENABLE"), date("DST_START"), date("DST_END")) == told
