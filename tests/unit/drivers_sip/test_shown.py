"""What the CLI, the manager and the dialplan show of SIP: in Asterisk's shapes, to the letter."""

from __future__ import annotations

import asyncio

import pytest

from offhook.dialplan.invocation import FunctionError
from offhook.drivers.sip.calls import technology
from offhook.drivers.sip.showing.functions import aor_module, contact_module, endpoint_module
from offhook.modules import ActionError, ActionRequest, CommandError

OFFICE = """
[alice]
type = endpoint
aors = alice
auth = alice
outbound_auth = alice
transport = udp
callerid = "Alice A" <100>
set_var = FOO=bar
[alice]
type = auth
username = alice
password = secret
[alice]
type = aor
max_contacts = 2
contact = sip:alice@192.0.2.1:5062
[bob]
type = endpoint
aors = bob
[bob]
type = aor
max_contacts = 1
[bobid]
type = identify
endpoint = bob
match = 192.0.2.5
match = 10.0.0.0/8
match_header = X-Foo: bar
"""
FIXED = "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\n"


def lines(text: str) -> list[str]:
    return text.strip("\n").split("\n")


async def test_pjsip_show_endpoints(office):
    office.pbx.registry.add(technology.module)
    await office.start(OFFICE, transports=FIXED)
    shown = office.cli("pjsip show endpoints")
    begin = next(index for index, line in enumerate(shown) if line.startswith("======"))
    port = office.udp[1]
    assert shown[begin + 1 :] == [
        "",
        " Endpoint:  alice/100                                            Not in use    0 of inf",
        "    OutAuth:  alice/alice",
        "     InAuth:  alice/alice",
        "        Aor:  alice                                              2",
        "      Contact:  alice/sip:alice@192.0.2.1:5062             e06c0597d1 NonQual         nan",
        f"  Transport:  udp                       udp      0      0  127.0.0.1:{port}",
        "",
        " Endpoint:  bob                                                  Unavailable   0 of inf",
        "        Aor:  bob                                                1",
        "   Identify:  bobid/bob",
        "        Match: 192.0.2.5/32",
        "        Match: 10.0.0.0/8",
        "       Header: X-Foo: bar",
        "",
        "",
        "Objects found: 2",
        "",
    ]


@pytest.mark.parametrize("command", ["show", "list"])
@pytest.mark.parametrize("kind", ["endpoints", "aors", "auths", "contacts", "identifies", "transports"])
async def test_every_kind_has_its_tables(office, command, kind):
    await office.start(OFFICE, transports=FIXED)
    shown = office.cli(f"pjsip {command} {kind}")
    assert any("====" in line for line in shown)
    found = {"endpoints": 2, "aors": 2, "auths": 1, "contacts": 1, "identifies": 1, "transports": 1}[kind]
    assert f"Objects found: {found}" in shown


async def test_like_picks_some(office):
    await office.start(OFFICE, transports=FIXED)
    assert "Objects found: 1" in office.cli("pjsip show aors like ^b")
    with pytest.raises(CommandError, match="regular expression"):
        office.cli("pjsip show aors like [")


async def test_nothing_is_told(office):
    await office.start("")
    assert office.cli("pjsip show endpoints") == ["No objects found.", ""]
    assert office.cli("pjsip show endpoint nobody") == ["Unable to find object nobody.", ""]


async def test_one_object_shows_every_option(office):
    await office.start(OFFICE, transports=FIXED)
    shown = office.cli("pjsip show aor alice")
    options = dict(line.split(" : ", 1) for line in shown if " : " in line and line.startswith(" "))
    values = {name.strip(): value for name, value in options.items()}
    assert values["max_contacts"] == "2"
    assert values["contact"] == "sip:alice@192.0.2.1:5062"
    assert values["qualify_timeout"] == "3.000000"
    assert list(values)[1:] == sorted(list(values)[1:])


async def test_settings_and_version(office):
    await office.start(OFFICE)
    assert any(line.startswith(" max_forwards") and line.endswith(": 70") for line in office.cli("pjsip show settings"))
    assert office.cli("pjsip show version")


async def test_the_inside_of_the_stack(office):
    await office.start(OFFICE)
    phone = await office.tcp_phone()
    phone.send(phone.request("OPTIONS", "bob"))
    await phone.final()
    shown = office.cli("pjsip dump endpt details")
    assert "Connections:         1" in shown
    assert any(phone.address in line for line in shown)
    assert "TLS_AES_256_GCM_SHA384" in office.cli("pjsip list ciphers")[0]


# ---- the manager ---------------------------------------------------------------------------------------------


async def action(office, name: str, **headers: str) -> ActionRequest:
    request = ActionRequest(office.pbx, name, [("Action", name), *headers.items()], None)
    done = office.pbx.registry.action(name).run(request)
    if asyncio.iscoroutine(done):
        await done
    return request


async def test_pjsip_show_endpoints_action(office):
    office.pbx.registry.add(technology.module)
    await office.start(OFFICE, transports=FIXED)
    request = await action(office, "PJSIPShowEndpoints")
    names = [name for name, _ in request.events]
    assert names == ["EndpointList", "EndpointList", "EndpointListComplete"]
    first = dict(request.events[0][1])
    assert first == {
        "ObjectType": "endpoint",
        "ObjectName": "alice",
        "Transport": "udp",
        "Aor": "alice",
        "Auths": "alice",
        "OutboundAuths": "alice",
        "Contacts": "alice/sip:alice@192.0.2.1:5062,",
        "DeviceState": "Not in use",
        "ActiveChannels": "0",
    }


async def test_pjsip_show_endpoint_action(office):
    await office.start(OFFICE, transports=FIXED)
    request = await action(office, "PJSIPShowEndpoint", Endpoint="bob")
    assert [name for name, _ in request.events] == [
        "EndpointDetail",
        "AorDetail",
        "IdentifyDetail",
        "EndpointDetailComplete",
    ]
    with pytest.raises(ActionError, match="nobody"):
        await action(office, "PJSIPShowEndpoint", Endpoint="nobody")


async def test_pjsip_show_registrations_inbound_action(office):
    await office.start(OFFICE, transports=FIXED)
    phone = await office.phone()
    await phone.register("bob")
    request = await action(office, "PJSIPShowRegistrationsInbound")
    details = [dict(headers) for name, headers in request.events if name == "InboundRegistrationDetail"]
    assert [each["ObjectName"] for each in details] == ["alice", "bob"]
    assert request.events[-1][0] == "InboundRegistrationDetailComplete"


async def test_pjsip_qualify_action(office):
    await office.start(OFFICE.replace("max_contacts = 1", "max_contacts = 1\nqualify_frequency = 3600"))
    phone = await office.phone()
    phone.answer = lambda request: request.response(200)
    await phone.register("bob")
    await office.after(1)
    request = await action(office, "PJSIPQualify", Endpoint="bob")
    assert request.response == [("Response", "Success"), ("Message", "Endpoint found, will qualify")]
    await office.after(1)
    assert len(phone.requests) == 2
    with pytest.raises(ActionError):
        await action(office, "PJSIPQualify", Endpoint="nobody")


# ---- functions -------------------------------------------------------------------------------------------


class Reading:
    """What a function needs of its scope."""

    def __init__(self, pbx) -> None:
        self.pbx = pbx


def function(office, module, *args: str) -> str:
    [entry] = module.functions
    return entry.read(Reading(office.pbx), *args)


async def test_functions_read_the_objects(office):
    await office.start(OFFICE)
    phone = await office.phone()
    await phone.register("bob", User_Agent="Desk Phone 1")
    assert function(office, aor_module, "alice", "max_contacts") == "2"
    name = function(office, aor_module, "bob", "contact")
    assert function(office, contact_module, name, "uri") == phone.uri("bob")
    assert function(office, contact_module, name, "user_agent") == "Desk Phone 1"
    assert function(office, contact_module, name, "status") == "NonQualified"
    assert function(office, contact_module, name, "rtt") == "N/A"
    assert function(office, endpoint_module, "alice", "callerid") == '"Alice A" <100>'
    assert function(office, endpoint_module, "alice", "FOO") == "bar"


@pytest.mark.parametrize(
    ("module", "args"),
    [
        (aor_module, ("nobody", "contact")),
        (aor_module, ("alice", "colour")),
        (contact_module, ("alice;@0", "uri")),
        (endpoint_module, ("alice", "colour")),
    ],
)
async def test_functions_say_what_is_wrong(office, module, args):
    await office.start(OFFICE)
    with pytest.raises(FunctionError, match=args[1] if args[0] == "alice" else args[0]):
        function(office, module, *args)


# ---- regcontext ------------------------------------------------------------------------------------------


async def test_whoever_is_there_has_an_extension(office):
    await office.start(OFFICE + "[global]\ntype=global\nregcontext=here\n")
    plan = office.pbx.dialplan
    assert plan.exists("here", "alice")
    assert not plan.exists("here", "bob")
    phone = await office.phone()
    await phone.register("bob")
    assert plan.exists("here", "bob")
    await phone.register("bob", expires=0)
    assert not plan.exists("here", "bob")
    await office.reload(OFFICE + "[global]\ntype=global\nregcontext=there\n")
    assert plan.exists("there", "alice")
    assert not plan.exists("here", "alice")


# ---- messages ----------------------------------------------------------------------------------------------


async def test_the_history_keeps_messages(office):
    await office.start(OFFICE)
    office.cli("pjsip set history on")
    phone = await office.phone()
    await phone.exchange(phone.request("OPTIONS", "bob"))
    shown = office.cli("pjsip show history")
    assert sum("OPTIONS" in line for line in shown) == 1
    assert sum("SIP/2.0 200 OK" in line for line in shown) == 1
    assert any("SIP/2.0 200 OK" in line for line in office.cli("pjsip show history entry 1"))
    office.cli("pjsip set history clear")
    office.cli("pjsip set history off")
    await phone.exchange(phone.request("OPTIONS", "bob"))
    assert not any("OPTIONS" in line for line in office.cli("pjsip show history"))


async def test_the_logger_shows_messages_of_one_host(office, caplog):
    await office.start(OFFICE)
    phone = await office.phone()
    office.cli("pjsip set logger host 192.0.2.0/24")
    await phone.exchange(phone.request("OPTIONS", "bob"))
    assert "Received SIP request" not in caplog.text
    office.cli("pjsip set logger add 127.0.0.1")
    await phone.exchange(phone.request("OPTIONS", "bob"))
    assert f"from UDP:{phone.address}" in caplog.text
    assert f"to UDP:{phone.address}" in caplog.text
    office.cli("pjsip set logger off")
    assert not office.stack.on_received
    assert not office.stack.on_sent


async def test_the_logger_writes_a_capture(office):
    await office.start(OFFICE)
    phone = await office.phone()
    file = office.folder / "sip.pcap"
    office.cli("pjsip set logger on")
    office.cli(f"pjsip set logger pcap {file}")
    request = phone.request("OPTIONS", "bob")
    await phone.exchange(request)
    office.cli("pjsip set logger off")
    written = read(file)
    assert written[:4] == b"\xd4\xc3\xb2\xa1"
    assert request.to_bytes() in written
    assert b"SIP/2.0 200 OK" in written


def read(file) -> bytes:
    return file.read_bytes()
