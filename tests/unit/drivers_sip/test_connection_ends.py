"""A connection that ends takes its contacts and transactions with it, at whatever moment it ends.

Phones behind a stream connection register, are qualified, and vanish (by FIN or RST, from their side or ours) at each
step. There must never be a contact whose connection is gone, nor anything left of it. ROUNDS in the environment says
how often each step is tried.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
from collections.abc import Callable

import pytest

from offhook.drivers.sip.contacts.contact import Contact, Status
from offhook.drivers.sip.contacts.locations import Locations
from offhook.drivers.sip.requests.outgoing import OutgoingRequest
from offhook.drivers.sip.transport.connections import Connection
from offhook.drivers.sip.transport.flow import Flow
from offhook.sip.message import Request, Response
from offhook.sip.transaction import Transaction

ROUNDS = int(os.environ.get("ROUNDS", "10"))
PHONES = """
[alice]
type = endpoint
aors = alice
{auth}
[alice]
type = aor
max_contacts = 100
qualify_frequency = {frequency}
qualify_timeout = 2
[alice]
type = auth
username = alice
password = secret
"""


def phones(*, auth: bool = False, frequency: int = 0) -> str:
    return PHONES.format(auth="auth = alice" if auth else "", frequency=frequency)


@pytest.fixture(autouse=True)
def few_log_lines(office, caplog: pytest.LogCaptureFixture) -> None:
    """Log records that pytest keeps hold the objects they name, which are counted here."""
    caplog.set_level(logging.WARNING, "offhook")


class Watch:
    """Compares what is there with what was there in the beginning."""

    def __init__(self, office) -> None:
        self.office = office
        self.loop = office.pbx.loop
        self.files = open_files()
        self.timers = len(self.loop.timers())
        self.objects = remembered()

    def no_contact_without_connection(self) -> None:
        """Holds at every moment."""
        transports = self.office.stack.transports
        for contact in self.office.stack.locations.contacts():
            assert contact.flow is not None
            assert contact.flow.open, f"{contact} outlived its connection"
            assert contact.flow.carrier in transports.connections
            assert contact in contact.flow.carrier.bound

    async def nothing_left(self) -> None:
        """Holds once every phone is gone."""
        stack = self.office.stack
        for _ in range(50):
            if not stack.transports.connections:
                break
            await asyncio.sleep(0.001)
        assert not stack.transports.connections
        assert not list(stack.locations.contacts())
        assert not list(stack.layer.transactions)
        assert not stack.locations.online["alice"]
        assert not list(self.office.pbx.astdb.by_prefix("registrar", "contact/"))
        await self.office.after(40)  # sweeper and expiry find nothing to do and stop
        assert len(self.loop.timers()) <= self.timers
        assert not stack.transports._by_peer
        assert not stack.transports._by_source
        assert open_files() <= self.files
        assert remembered() <= self.objects


def remembered() -> int:
    """How many contacts, connections, requests and transactions are in memory."""
    gc.collect()
    return sum(isinstance(each, Contact | Connection | OutgoingRequest | Transaction) for each in gc.get_objects())


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


class Vanishing:
    """Ends the connection of a request or response, from our side, when the moment has come."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def end(self, flow: Flow) -> None:
        connection = flow.carrier
        assert isinstance(connection, Connection)
        if self.kind == "FIN":
            connection.eof_received()
        else:
            connection._transport.abort()
            connection.connection_lost(ConnectionResetError("reset by peer"))


def statuses(office) -> list[Status]:
    """The status of each contact now."""
    return [contact.status for contact in office.stack.locations.contacts()]


def before_admission(office, vanishing) -> None:
    def way(message: Request, flow: Flow) -> None:
        if message.method == "REGISTER":
            vanishing.end(flow)

    office.stack.admission.first_ways.append(way)


def after_bind(office, vanishing) -> None:
    office.stack.locations.on_contact_added.append(lambda _, contact: vanishing.end(contact.flow))


def before_send(office, vanishing) -> None:
    office.stack.on_sent.append(lambda data, flow: vanishing.end(flow) if flow.reliable else None)


def before_options(office, vanishing) -> None:
    office.stack.on_sent.append(lambda data, flow: vanishing.end(flow) if data.startswith(b"OPTIONS") else None)


def before_options_are_answered(office, vanishing) -> None:
    office.stack.on_received.append(
        lambda data, flow: vanishing.end(flow) if data.startswith(b"SIP/2.0") and flow.reliable else None
    )


OURS: list[Callable] = [before_admission, after_bind, before_send, before_options, before_options_are_answered]


def answer_options(request: Request) -> Response | None:
    return request.response(200) if request.method == "OPTIONS" else None


@pytest.mark.parametrize("kind", ["FIN", "RST"])
@pytest.mark.parametrize("step", OURS, ids=lambda step: step.__name__)
async def test_noticed_while_a_request_is_carried_out(office, step, kind):
    await office.start(phones(frequency=30))
    step(office, Vanishing(kind))
    watch = Watch(office)
    for _ in range(ROUNDS):
        phone = await office.tcp_phone()
        phone.answer = answer_options
        phone.send(phone.request("REGISTER", "alice", ("Contact", f"<{phone.uri('alice')}>")))
        await asyncio.sleep(0.01)
        watch.no_contact_without_connection()
        assert phone.over.is_set()
        assert not office.contacts()
    await watch.nothing_left()


@pytest.mark.parametrize("kind", ["FIN", "RST"])
async def test_noticed_when_sending_fails(office, kind, monkeypatch):
    await office.start(phones())
    vanishing = Vanishing(kind)

    def fail(self: Connection, data: bytes) -> None:
        vanishing.end(self.flow)
        raise OSError("broken pipe")

    watch = Watch(office)
    monkeypatch.setattr(Connection, "_write", fail)
    for _ in range(ROUNDS):
        phone = await office.tcp_phone()
        phone.send(phone.request("REGISTER", "alice", ("Contact", f"<{phone.uri('alice')}>")))
        await asyncio.sleep(0.01)
        watch.no_contact_without_connection()
        assert not office.contacts()
    await watch.nothing_left()


@pytest.mark.parametrize("kind", ["FIN", "RST"])
@pytest.mark.parametrize("step", ["sent", "challenged", "registered", "asked", "answered"])
async def test_the_phone_vanishes(office, step, kind):
    await office.start(phones(auth=True, frequency=30))
    watch = Watch(office)
    for _ in range(ROUNDS):
        phone = await office.tcp_phone()
        leave = phone.close if kind == "FIN" else phone.reset
        register = phone.request("REGISTER", "alice", ("Contact", f"<{phone.uri('alice')}>"))
        if step in ("sent", "challenged"):
            phone.send(register)
            if step == "challenged":
                assert (await phone.final()).status == 401
            leave()
        else:
            phone.answer = (lambda _, leave=leave: leave()) if step == "asked" else answer_options
            assert (await phone.exchange(register, "secret")).status == 200
            if step == "asked":
                await asyncio.sleep(0.05)
            else:
                assert office.contacts() == [phone.uri("alice")]
                if step == "answered":
                    await office.until(lambda: statuses(office) == [Status.AVAILABLE], 1)
                leave()
        for _ in range(10):
            await asyncio.sleep(0.001)
            watch.no_contact_without_connection()
        assert not office.contacts()
    await watch.nothing_left()


async def test_at_random(office):
    await office.start(phones(auth=True, frequency=1))
    watch = Watch(office)
    chance = random.Random(7)
    here: list = []
    for _ in range(ROUNDS * 20):
        watch.no_contact_without_connection()
        if here and (len(here) > 20 or chance.random() < 0.45):
            phone = here.pop(chance.randrange(len(here)))
            chance.choice((phone.close, phone.reset))()
            continue
        phone = await office.tcp_phone()
        here.append(phone)
        if chance.random() < 0.7:
            phone.answer = answer_options
        register = phone.request("REGISTER", "alice", ("Contact", f"<{phone.uri('alice')}>"))
        if chance.random() < 0.5:
            assert (await phone.exchange(register, "secret")).status in (200, 403)
        else:
            phone.send(register)
        await asyncio.sleep(chance.choice((0, 0, 0.001, 0.4)))
    for phone in here:
        phone.close()
    await watch.nothing_left()


async def test_a_binding_needs_an_open_connection(office, monkeypatch):
    """The check that these tests lean on: without it they would find the contact that stays."""
    await office.start(phones())
    before_admission(office, Vanishing("FIN"))
    watch = Watch(office)

    def bind_anyway(self: Locations, contact: Contact, lifetime: float, flow: Flow, *, tied: bool) -> None:
        contact.expires_at = self._pbx.now() + lifetime
        contact.bind(flow)
        self.by_name[contact.aor].contacts[contact.id] = contact

    monkeypatch.setattr(Locations, "bind", bind_anyway)
    phone = await office.tcp_phone()
    phone.send(phone.request("REGISTER", "alice", ("Contact", f"<{phone.uri('alice')}>")))
    await asyncio.sleep(0.01)
    with pytest.raises(AssertionError):
        watch.no_contact_without_connection()


async def test_the_end_of_a_connection_walks_what_is_bound_to_it(office, monkeypatch):
    """The other one: without the walk the contact would stay."""
    await office.start(phones())
    watch = Watch(office)
    monkeypatch.setattr(Contact, "carrier_closed", lambda self: None)
    phone = await office.tcp_phone()
    assert (await phone.register()).status == 200
    phone.close()
    await asyncio.sleep(0.01)
    with pytest.raises(AssertionError):
        watch.no_contact_without_connection()


async def test_contacts_reached_another_way_stay(office):
    await office.start(phones())
    phone = await office.tcp_phone()
    assert (await phone.register("alice", "sip:alice@192.0.2.7:5060;transport=tcp")).status == 200
    phone.close()
    await asyncio.sleep(0.01)
    assert office.contacts() == ["sip:alice@192.0.2.7:5060;transport=tcp"]


async def test_a_phone_that_comes_back_is_bound_to_its_new_connection(office):
    await office.start(phones())
    first, second = await office.tcp_phone(), await office.tcp_phone()
    await first.register()
    carrier = next(office.stack.locations.contacts()).flow.carrier
    assert list(carrier.bound)
    first.close()
    await asyncio.sleep(0.01)
    assert not office.contacts()
    await second.register()
    assert office.contacts() == [second.uri("alice")]
