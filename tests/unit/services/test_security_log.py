"""Security events in the log."""

from __future__ import annotations

import pytest

from offhook.calls.security import address, report
from offhook.log import SECURITY
from offhook.services import security_log
from support.exchange import Exchange


def tell(exchange: Exchange) -> None:
    report(
        exchange.pbx,
        "InvalidPassword",
        "PJSIP",
        account="alice",
        session="0x1",
        local=address("192.0.2.1", 5060, "UDP"),
        remote=address("2001:db8::5", 5062, "UDP"),
        Challenge="abc",
    )


async def test_events_become_lines_until_the_module_goes(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange()
    caplog.set_level(1)
    tell(exchange)
    assert not [record for record in caplog.records if record.levelno == SECURITY]
    security_log.load(exchange.pbx)
    tell(exchange)
    (record,) = [record for record in caplog.records if record.levelno == SECURITY]
    text = record.getMessage()
    assert text.startswith('SecurityEvent="InvalidPassword",EventTV="20')
    assert text.endswith(
        '",Severity="Error",Service="PJSIP",EventVersion="2",AccountID="alice",SessionID="0x1",'
        'LocalAddress="IPV4/UDP/192.0.2.1/5060",RemoteAddress="IPV6/UDP/2001:db8::5/5062",Challenge="abc"'
    )
    caplog.clear()
    security_log.unload(exchange.pbx)
    tell(exchange)
    assert not [record for record in caplog.records if record.levelno == SECURITY]
