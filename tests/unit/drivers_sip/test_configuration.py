"""pjsip.conf and pjsip_wizard.conf: sections become objects, mistakes cost no more than they must."""

from __future__ import annotations

import pytest

from offhook.config.parser import loads
from offhook.drivers.sip.configuration import wizard
from offhook.drivers.sip.configuration.reading import TYPES, Configuration, read
from offhook.drivers.sip.configuration.wizard import Wizard
from offhook.modules import CommandError
from offhook.modules.module import LoadError


def reading(text: str, previous: Configuration | None = None) -> Configuration:
    return read(loads(text, "pjsip.conf"), previous)


def complaints(config: Configuration) -> list[str]:
    return [str(error) for error in config.errors]


def test_sections_of_one_name_and_several_types_live_side_by_side():
    config = reading("[a]\ntype=endpoint\naors=a\n[a]\ntype=aor\nmax_contacts=3\n[a]\ntype=auth\nusername=a\n")
    assert config.endpoints["a"].aors == ("a",)
    assert config.aors["a"].max_contacts == 3
    assert config.auths["a"].username == "a"
    assert not config.errors


def test_what_is_not_set_has_its_default():
    config = reading("[a]\ntype=endpoint\n[a]\ntype=aor\n")
    endpoint, aor = config.endpoints["a"], config.aors["a"]
    assert (endpoint.context, endpoint.force_rport, endpoint.rewrite_contact) == ("default", True, False)
    assert (aor.minimum_expiration, aor.maximum_expiration, aor.default_expiration) == (60, 7200, 3600)
    assert config.settings.max_forwards == 70


def test_an_endpoint_keeps_only_what_it_sets():
    config = reading("[a]\ntype=endpoint\ncontext=office\n")
    assert config.endpoints["a"].set_values() == {"context": "office"}


def test_templates_fill_in():
    config = reading("[phone](!)\ntype=endpoint\ncontext=office\n[a](phone)\ndtmf_mode=info\n[b](phone)\ncontext=x\n")
    assert list(config.endpoints) == ["a", "b"]
    assert config.endpoints["a"].context == "office"
    assert config.endpoints["b"].context == "x"


def test_a_mistake_costs_its_section():
    config = reading("[a]\ntype=endpoint\ndtmf_mod=info\n[b]\ntype=endpoint\n[c]\ntype=aor\nmax_contacts=many\n")
    assert list(config.endpoints) == ["b"]
    assert not config.aors
    unknown, no_number = complaints(config)
    assert unknown.startswith("pjsip.conf:3: ")
    assert "dtmf_mod" in unknown
    assert no_number.startswith("pjsip.conf:8: ")
    assert '"many"' in no_number


def test_a_section_that_was_good_before_stays_as_it_was():
    before = reading("[a]\ntype=endpoint\ncontext=office\n[b]\ntype=endpoint\n")
    after = reading("[a]\ntype=endpoint\ncontext=x\nnonsense=1\n[c]\ntype=endpoint\n", before)
    assert list(after.endpoints) == ["a", "c"]
    assert after.endpoints["a"].context == "office"


def test_two_of_one_name_and_type_cost_the_type():
    before = reading("[a]\ntype=endpoint\n[a]\ntype=aor\nmax_contacts=1\n")
    text = "[a]\ntype=endpoint\n[a]\ntype=endpoint\n[b]\ntype=endpoint\n[a]\ntype=aor\nmax_contacts=2\n"
    first = reading(text)
    assert not first.endpoints
    assert first.aors["a"].max_contacts == 2
    assert list(reading(text, before).endpoints) == ["a"]
    assert "pjsip.conf:3: a second [a]" in complaints(first)[0]


def test_a_section_of_no_known_type_is_told():
    config = reading("[a]\ntype=telephone\n[b]\nhost=x\n[c]\ntype=contact\n")
    telephone, none = complaints(config)
    assert telephone.startswith('pjsip.conf:1: type "telephone" is not offered')
    assert "[b] has no type" in none


def test_global_needs_no_type_line():
    assert reading("[global]\nmax_forwards=20\n").settings.max_forwards == 20


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("type=auth\npassword=x", "needs username"),
        ("type=aor\ncontact=tel:12", "no SIP URI"),
        ("type=identify\nmatch=127.0.0.1", "endpoint"),
        ("type=registration\nserver_uri=sip:x", "client_uri"),
        ("type=transport\nprotocol=tls\nmethod=sslv3", "broken"),
        ("type=transport\nprotocol=carrier-pigeon", "not one of"),
        ("type=endpoint\ndtmf_mode=shout", "not one of"),
        ("type=endpoint\ntos_audio=900", "between 0 and 255"),
        ("type=endpoint\nset_var=novalue", "set_var"),
    ],
)
def test_what_cannot_be_is_refused(section, wrong):
    config = reading(f"[a]\n{section}\n")
    assert wrong in complaints(config)[0]


def test_lists_gather_or_replace_as_asterisk_does():
    config = reading(
        "[a]\ntype=aor\ncontact=sip:a@192.0.2.1\ncontact=sip:a@192.0.2.2,sip:a@192.0.2.3\n"
        "[a]\ntype=endpoint\naors=a,b\naors=c\nset_var=x=1\nset_var=y=2\n"
    )
    assert config.aors["a"].contact == ("sip:a@192.0.2.1", "sip:a@192.0.2.2", "sip:a@192.0.2.3")
    assert config.endpoints["a"].aors == ("c",)
    assert list(config.endpoints["a"].set_var) == [("x", "1"), ("y", "2")]


def test_formats_are_disallowed_and_allowed_in_turn():
    endpoint = reading("[a]\ntype=endpoint\ndisallow=all\nallow=ulaw\nallow=g722,!ulaw\n").endpoints["a"]
    assert [each.name for each in endpoint.allow] == ["g722"]


def test_every_option_shows_its_value():
    for kind in TYPES.values():
        made = kind("x")
        for name, shown in made.shown():
            assert isinstance(name, str)
            assert isinstance(shown, str), f"{kind.TYPE} {name}"


async def test_a_failed_reload_leaves_what_runs(office):
    await office.start("[alice]\ntype=endpoint\n")
    running = office.stack.config
    (office.folder / "pjsip.conf").unlink()
    with pytest.raises(LoadError):
        await office.reload_only()
    assert office.stack.config is running
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 200


async def test_a_transport_changes_only_when_it_may(office):
    where = "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\n"
    await office.start("", transports=where + "allow_reload=no\n")
    socket = office.stack.transports.datagram["udp"]
    await office.reload("", transports=where + "cos=1\n")
    assert office.stack.transports.datagram["udp"] is socket
    assert socket.open


async def test_a_transport_that_may_change_is_opened_anew(office):
    where = "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\nallow_reload=yes\n"
    await office.start("", transports=where)
    socket = office.stack.transports.datagram["udp"]
    await office.reload("[alice]\ntype=endpoint\n", transports=where)
    assert office.stack.transports.datagram["udp"] is socket
    await office.reload("[alice]\ntype=endpoint\n", transports=where + "domain=x\n")
    assert office.stack.transports.datagram["udp"] is not socket
    assert not socket.open
    phone = await office.phone()
    assert (await phone.exchange(phone.request("OPTIONS"))).status == 200


async def test_two_transports_on_one_address_cost_the_second(office, caplog):
    await office.start("", transports="[one]\ntype=transport\nbind=127.0.0.1:0\n")
    port = office.stack.transports.datagram["one"].port
    await office.reload(
        "",
        transports=f"[one]\ntype=transport\nbind=127.0.0.1:0\n[two]\ntype=transport\nbind=127.0.0.1:{port}\n",
    )
    assert "transport two" in caplog.text
    assert "two" not in office.stack.transports.sections
    assert office.stack.transports.datagram["one"].open


def read_text(file) -> str:
    return file.read_text()


# ---- pjsip_wizard.conf ------------------------------------------------------------------------------------


def made_by(text: str) -> list[tuple[str, str, dict[str, str]]]:
    [section] = loads(text, "pjsip_wizard.conf")
    return [
        (made.name, made.first("type"), {entry.name: entry.value for entry in made if entry.name != "type"})
        for made in Wizard(section).sections()
    ]


def test_a_wizard_makes_a_phone():
    assert made_by(
        "[alice]\ntype=wizard\naccepts_auth=yes\naccepts_registrations=yes\nendpoint/context=office\n"
        "inbound_auth/username=alice\ninbound_auth/password=secret\naor/max_contacts=2\n"
    ) == [
        ("alice", "endpoint", {"context": "office", "aors": "alice", "auth": "alice-iauth"}),
        ("alice", "aor", {"max_contacts": "2"}),
        ("alice-iauth", "auth", {"username": "alice", "password": "secret", "auth_type": "userpass"}),
    ]


def test_a_wizard_makes_a_trunk():
    made = made_by(
        "[trunk]\ntype=wizard\nsends_auth=yes\nsends_registrations=yes\nremote_hosts=a.example,b.example:5070\n"
        "outbound_auth/username=us\noutbound_auth/password=secret\n"
    )
    assert [(name, kind) for name, kind, _ in made] == [
        ("trunk", "endpoint"),
        ("trunk", "aor"),
        ("trunk-oauth", "auth"),
        ("trunk-identify", "identify"),
        ("trunk-reg-0", "registration"),
        ("trunk-reg-1", "registration"),
    ]
    assert made[-1][2]["server_uri"] == "sip:b.example:5070"
    assert made[-1][2]["client_uri"] == "sip:us@b.example:5070"


async def test_wizards_are_part_of_the_configuration(office):
    await office.start("")
    office.write(
        "pjsip_wizard.conf",
        "[alice]\ntype=wizard\naccepts_registrations=yes\nhas_hint=yes\nhint_exten=6001\nhint_context=office\n"
        "[broken]\ntype=wizard\nsends_auth=yes\naccepts_registrations=yes\n",
    )
    await wizard.load(office.pbx)
    assert list(office.stack.config.endpoints) == ["alice"]
    hint = office.pbx.dialplan.hint("office", "6001")
    assert hint is not None
    office.pbx.registry.add(wizard.module)
    file = office.folder / "made.conf"
    with pytest.raises(CommandError, match="outbound_auth/username"):
        office.cli("pjsip export config_wizard primitives")
    office.write("pjsip_wizard.conf", "[alice]\ntype=wizard\naccepts_registrations=yes\nendpoint/context=office\n")
    assert office.cli(f"pjsip export config_wizard primitives to {file}") == [f"Wrote configuration to {file}"]
    again = read(loads(read_text(file), "made.conf"))
    assert again.endpoints["alice"].context == "office"
    await wizard.unload(office.pbx)
    assert not office.stack.config.endpoints
