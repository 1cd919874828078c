"""Endpoints, addresses and secrets that live in a database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.config.parser import loads
from offhook.drivers.sip.configuration import realtime
from offhook.drivers.sip.configuration.realtime import Source, read_sources
from offhook.sip.message import Response
from support.sip_call import Telephone, audio
from support.sip_tables import Tables

PLAN = """[first]
exten => 1,1,Set(WHERE=first)
 same => n,Answer
 same => n,Wait(60)
[second]
exten => 1,1,Busy
[file]
exten => 1,1,Congestion
"""
SORCERY = """
[res_pjsip]
endpoint = realtime,ps_endpoints
endpoint = config,pjsip.conf,criteria=type=endpoint
auth = realtime,ps_auths
aor = realtime,ps_aors
[res_pjsip_endpoint_identifier_ip]
identify = realtime,ps_ips
"""


async def open_office(office: Any, sorcery: str = SORCERY, pjsip: str = "") -> Telephone:
    (office.folder / "sorcery.conf").write_text(sorcery)
    await realtime.load(office.pbx)
    phone: Telephone = await office.telephone(pjsip, PLAN)
    return phone


async def status(phone: Telephone) -> int:
    """How a call to 1 is answered; an answered call is ended again."""
    call = await phone.call("1", body=audio())
    while True:
        message = await phone.peer.receive()
        if isinstance(message, Response) and message.status >= 200:
            call.ack(message)
            if message.status == 200:
                await call.hang_up()
            return message.status


ALICE = {"id": "alice", "context": "first", "allow": "!all,ulaw", "aors": "alice", "mailboxes": ""}


async def test_an_endpoint_of_the_table_calls(office: Any, tables: Tables) -> None:
    tables.put("ps_endpoints", **ALICE)
    tables.put("ps_aors", id="alice", max_contacts="1", contact="")
    alice = await open_office(office)
    assert office.stack.config.endpoints["alice"].context == "first"
    assert office.stack.config.aors["alice"].max_contacts == 1
    assert await status(alice) == 200


async def test_what_comes_changes_and_goes_is_seen_by_the_next_request(office: Any, tables: Tables) -> None:
    alice = await open_office(office)
    assert await status(alice) == 401
    for row, expected in (({**ALICE}, 200), ({**ALICE, "context": "second"}, 486), ({**ALICE, "nonsense": "1"}, 486)):
        tables.put("ps_endpoints", **row)
        await asyncio.sleep(2)
        assert await status(alice) == expected
    tables.rows.clear()
    await asyncio.sleep(2)
    assert await status(alice) == 401
    assert "alice" not in office.stack.config.endpoints


async def test_a_secret_is_looked_up_with_its_endpoint(office: Any, tables: Tables) -> None:
    alice = await open_office(office)
    tables.put("ps_endpoints", **ALICE, auth="secrets")
    tables.put("ps_auths", id="secrets", auth_type="userpass", username="alice", password="x")
    await asyncio.sleep(2)
    assert await status(alice) == 401
    assert office.stack.config.auths["secrets"].password == "x"
    before = len(tables.asked)
    assert await status(alice) == 401
    assert len(tables.asked) == before, "the requests of one call do not ask again"


async def test_a_database_that_does_not_answer_changes_nothing(office: Any, tables: Tables) -> None:
    tables.put("ps_endpoints", **ALICE)
    alice = await open_office(office)
    tables.down = True
    await asyncio.sleep(120)
    assert await status(alice) == 200


async def test_the_tables_are_compared_now_and_then(office: Any, tables: Tables) -> None:
    await open_office(office)
    tables.put("ps_aors", id="gate", contact="sip:gate@127.0.0.1:9", qualify_frequency="0")
    tables.put("ps_ips", id="gate", endpoint="alice", match="127.0.0.1")
    tables.put("ps_endpoints", **ALICE)
    await asyncio.sleep(realtime.COMPARE_S + 1)
    assert "sip:gate@127.0.0.1:9" in str(office.stack.locations.by_name["gate"].contacts)
    stranger = await office.another("unknown")
    assert await status(stranger) == 200, "known by its address"


async def test_who_gives_up_meanwhile_is_not_called(office: Any, tables: Tables) -> None:
    alice = await open_office(office)
    tables.put("ps_endpoints", **ALICE)
    call = await alice.call("1", body=audio())
    call.cancel()
    final = await alice.next("487")
    call.ack(final)
    assert not len(office.pbx.channels)


FILE = "[alice]\ntype = endpoint\ncontext = file\nallow = !all,ulaw\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("endpoint = realtime,ps_endpoints\nendpoint = config,pjsip.conf\n", 200),
        ("endpoint = config,pjsip.conf\nendpoint = realtime,ps_endpoints\n", 503),
        ("endpoint/cache = memory_cache,maximum_objects=5\nendpoint = realtime,ps_endpoints\n", 200),
    ],
)
async def test_the_first_that_is_named_counts(office: Any, tables: Tables, lines: str, expected: int) -> None:
    tables.put("ps_endpoints", **ALICE)
    alice = await open_office(office, f"[res_pjsip]\n{lines}", FILE)
    assert await status(alice) == expected
    await asyncio.sleep(2)
    assert await status(alice) == expected


async def test_without_config_the_file_has_no_endpoints(office: Any, tables: Tables) -> None:
    alice = await open_office(office, "[res_pjsip]\nendpoint = realtime,ps_endpoints\n", FILE)
    assert await status(alice) == 401


def test_what_cannot_be_is_told() -> None:
    errors: list[Any] = []
    lines = "endpoint = realtime,e\ncontact = realtime,c\nthing = realtime,t\naor = astdb\n[other]\nx = realtime,y\n"
    assert read_sources(loads("[res_pjsip]\n" + lines, "sorcery.conf"), errors) == {"endpoint": Source("endpoint", "e")}
    assert [str(error) for error in errors] == [
        "sorcery.conf:3: contacts are kept in the AstDB; take the line out",
        'sorcery.conf:4: there is no type "thing"; take the line out',
        "sorcery.conf:5: aor cannot be kept in astdb; write realtime,FAMILY or config,pjsip.conf",
    ]
