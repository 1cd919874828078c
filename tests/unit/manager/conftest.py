"""An exchange with the manager interface, and clients that talk to it through a session or a socket."""

import asyncio
from types import SimpleNamespace

import pytest

from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.control.manager import module as manager_module
from offhook.control.manager.actions_states import devices_module, presence_module
from offhook.control.manager.ami import manager
from offhook.control.manager.protocol import Message
from offhook.control.manager.session import Session
from offhook.control.manager.settings import read_settings
from unit.calls.conftest import exchange as exchange

CONF = """
[general]
enabled=yes
bindaddr=127.0.0.1
[admin]
secret=mysecret
read=all
write=all
[plain]
secret=other
read=call,user
write=call,originate,reporting
"""


class Client:
    """A session whose connection is this object."""

    waiting = False

    def __init__(self, ami):
        self.ami = ami
        self.text = ""
        self.over = False
        self.session = Session(ami, ("127.0.0.1", 40000), ("127.0.0.1", 5038), "TCP", self)
        ami.add(self.session)

    def write(self, text):
        self.text += text

    def end(self):
        self.over = True

    async def act(self, action, *lines, **headers):
        """Carry out an action; the blocks of its answer as lists of lines."""
        sent = [f"Action: {action}", *(f"{name}: {value}" for name, value in headers.items()), *lines]
        text = await self.session.act(Message(sent))
        return [block.split("\r\n") for block in text.split("\r\n\r\n")[:-1]]

    async def one(self, action, *lines, **headers):
        """Carry out an action that answers with one block: its headers."""
        blocks = await self.act(action, *lines, **headers)
        return dict(line.partition(": ")[::2] for line in blocks[0])

    async def login(self, name="admin", secret="mysecret"):
        await self.act("Login", Username=name, Secret=secret)
        self.session.take_pending()
        return self

    def events(self, name):
        """The events of a name that came so far, as dictionaries."""
        blocks = [block.split("\r\n") for block in self.text.split("\r\n\r\n")]
        found = [block for block in blocks if block[0] == f"Event: {name}"]
        return [dict(line.partition(": ")[::2] for line in block) for block in found]


@pytest.fixture
async def ami(exchange, tmp_path):
    """The interface with two users, all actions registered, not listening."""
    pbx = exchange.pbx
    pbx.paths = SimpleNamespace(
        etc=str(tmp_path), data=str(tmp_path), modules=str(tmp_path), variable=lambda name: None
    )
    for one in (manager_module.module, devices_module, presence_module):
        pbx.registry.add(one)
    interface = manager(pbx)
    interface.settings = read_settings(loads(CONF), NamedAcls())
    yield interface
    await interface.stop()


@pytest.fixture
def client(ami):
    return Client(ami)


@pytest.fixture
async def admin(ami):
    return await Client(ami).login()


@pytest.fixture
async def plain(ami):
    return await Client(ami).login("plain", "other")


@pytest.fixture
async def quick(monkeypatch):
    """Refusals without their second of delay."""
    from offhook.control.manager import actions_session, session

    monkeypatch.setattr(session, "REFUSAL_DELAY_S", 0)
    monkeypatch.setattr(actions_session, "REFUSAL_DELAY_S", 0)


async def turn(times=20):
    """Let the loop turn."""
    for _ in range(times):
        await asyncio.sleep(0)
