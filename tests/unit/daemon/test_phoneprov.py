"""A phone of pjsip.conf fetches its configuration from a daemon."""

from __future__ import annotations

import shutil
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.patience import PATIENCE_S
from support.process import MODULES, Running, write_configuration

PJSIP = """
[here]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}
[6000]
type = endpoint
callerid = Joe <6000>
auth = 6000
context = first
transport = here
[6000]
type = auth
username = joe
password = 1234
[6000]
type = phoneprov
endpoint = 6000
MAC = 112233445566
PROFILE = desk
Color = blue
LINE = 1
[6001]
type = endpoint
callerid = Ann <6001>
context = second
transport = here
[6001]
type = phoneprov
endpoint = 6001
MAC = 112233445566
PROFILE = desk
LINE = 2
[nobody]
type = phoneprov
endpoint = none
MAC = 223344556677
PROFILE = desk
"""
TEMPLATE = """${USERNAME} ${SECRET} ${CALLERID} ${DISPLAY_NAME} ${LABEL} ${ENDPOINT_ID} ${TRANSPORT_ID} ${AUTH_ID}
${Color} ${SERVER}:${SERVER_PORT} ${PJSIP_ENDPOINT(${ENDPOINT_ID},context)}
${PP_EACH_EXTENSION(${MAC},line.txt)}"""


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def daemon() -> Iterator[tuple[Running, int, int]]:
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    sip, web = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    modules = ("http", "res_phoneprov", "res_pjsip", "res_pjsip_phoneprov_provider", "func_pjsip_endpoint")
    write_configuration(
        made,
        modules=MODULES + "".join(f"load = {name}\n" for name in modules),
        http=f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = {web}\n",
        phoneprov="[desk]\nmac-${MAC}.txt => desk.txt\n",
        pjsip=PJSIP.format(sip=sip),
    )
    folder = made / "var/phoneprov"
    folder.mkdir()
    (folder / "desk.txt").write_text(TEMPLATE)
    (folder / "line.txt").write_text("${LINE}: ${USERNAME} ${PJSIP_ENDPOINT(${ENDPOINT_ID},context)}\n")
    running = Running(made)
    try:
        running.wait()
        yield running, sip, web
    finally:
        running.end()
        shutil.rmtree(made)


def test_sections_of_pjsip_conf_become_phones(daemon: Any) -> None:
    running, sip, web = daemon
    url = f"http://127.0.0.1:{web}/phoneprov/mac-112233445566.txt"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        assert answer.headers["Content-type"] == "text/plain"
        lines = answer.read().decode().splitlines()
    assert lines == [
        "joe 1234 6000 Joe 6000 6000 here 6000",
        f"blue 127.0.0.1:{sip} first",
        "1: joe first",
        "2: 6001 second",
    ]
    shown = running.run("phoneprov show routes")
    assert "res_pjsip_phoneprov_ desk                 mac-112233445566.txt" in shown
    assert "223344556677" not in shown, "an endpoint that is not there"
    assert running.run("module reload res_phoneprov").endswith("reloaded successfully.\n")
    assert "mac-112233445566.txt" in running.run("phoneprov show routes")
    assert running.run("module unload res_pjsip_phoneprov_provider.so").startswith("Unloaded")
    assert "mac-112233445566.txt" not in running.run("phoneprov show routes")
