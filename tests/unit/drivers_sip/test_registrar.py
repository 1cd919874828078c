"""Phones register: what the registrar takes, keeps, answers and lets go."""

from __future__ import annotations

import json

import pytest

from offhook.calls.endpoints import ContactStatus, PeerStatus
from offhook.drivers.sip.contacts.registrar import http_date

ALICE = """
[alice]
type = endpoint
aors = alice
[alice]
type = aor
max_contacts = {max_contacts}
{more}
"""


def alice(max_contacts: int = 2, more: str = "") -> str:
    return ALICE.format(max_contacts=max_contacts, more=more)


async def test_a_phone_registers_and_is_told_its_contact(office):
    await office.start(alice())
    phone = await office.phone()
    answer = await phone.register(expires=600)
    assert answer.status == 200
    assert answer.get("Contact") == f"<{phone.uri('alice')}>;expires=600"
    assert answer.get("Date") == http_date(office.pbx.wall())
    assert office.contacts() == [phone.uri("alice")]
    assert [(event.endpoint, event.status) for event in office.heard(PeerStatus)] == [("alice", "Reachable")]
    assert [event.status for event in office.heard(ContactStatus)] == ["NonQualified"]


async def test_a_binding_ends_when_its_time_is_over(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register(expires=60)
    began = office.pbx.now()
    await office.until(lambda: not office.contacts(), 61)
    assert office.pbx.now() - began == pytest.approx(60, abs=0.1)
    assert [event.status for event in office.heard(ContactStatus)] == ["NonQualified", "Removed"]
    assert [event.status for event in office.heard(PeerStatus)] == ["Reachable", "Unreachable"]


async def test_a_refresh_prolongs_it(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register(expires=60)
    await office.after(50)
    await phone.register(expires=60)
    await office.after(50)
    assert office.contacts()
    await office.until(lambda: not office.contacts(), 20)


@pytest.mark.parametrize(
    ("asked", "given"), [(None, 3600), (10, 60), (100, 100), (99999, 7200)], ids=["default", "min", "as asked", "max"]
)
async def test_the_time_has_bounds(office, asked, given):
    await office.start(alice())
    answer = await (await office.phone()).register(expires=asked)
    assert answer.get("Contact").endswith(f";expires={given}")


async def test_a_contact_may_have_a_time_of_its_own(office):
    await office.start(alice())
    answer = await (await office.phone()).register("alice", "<sip:a@192.0.2.1>;expires=120", expires=600)
    assert answer.get("Contact") == "<sip:a@192.0.2.1>;expires=120"


async def test_zero_takes_a_contact_out(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register()
    assert office.contacts()
    answer = await phone.register(expires=0)
    assert answer.status == 200
    assert answer.get("Contact") is None
    assert not office.contacts()


async def test_a_star_takes_all_out(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register("alice", "sip:a@192.0.2.1", "sip:a@192.0.2.2")
    assert len(office.contacts()) == 2
    assert (await phone.register("alice", "*", expires=0)).status == 200
    assert not office.contacts()


@pytest.mark.parametrize("expires", [None, 60])
async def test_a_star_with_another_time_is_refused(office, expires):
    await office.start(alice())
    phone = await office.phone()
    await phone.register()
    assert (await phone.register("alice", "*", expires=expires)).status == 400
    assert office.contacts()


async def test_a_question_changes_nothing(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register(expires=100)
    answer = await phone.exchange(phone.request("REGISTER"))
    assert answer.status == 200
    assert answer.get("Contact") == f"<{phone.uri('alice')}>;expires=100"


async def test_no_more_contacts_than_allowed(office):
    await office.start(alice(max_contacts=1))
    phone = await office.phone()
    await phone.register("alice", "sip:a@192.0.2.1")
    assert (await phone.register("alice", "sip:a@192.0.2.2")).status == 403
    assert office.contacts() == ["sip:a@192.0.2.1"]


async def test_no_contacts_at_all_where_none_are_allowed(office):
    await office.start(alice(max_contacts=0))
    assert (await (await office.phone()).register()).status == 403


async def test_a_new_contact_may_take_the_place_of_the_one_that_expires_first(office):
    await office.start(alice(max_contacts=2, more="remove_existing = yes"))
    phone = await office.phone()
    for host, expires in (("192.0.2.1", 500), ("192.0.2.2", 100), ("192.0.2.3", 900)):
        assert (await phone.register("alice", f"sip:a@{host}", expires=expires)).status == 200
    assert office.contacts() == ["sip:a@192.0.2.1", "sip:a@192.0.2.3"]


async def test_a_contact_of_another_form_is_the_same(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register("alice", "sip:a@192.0.2.1;transport=UDP")
    await phone.register("alice", "sip:a@192.0.2.1;transport=udp", expires=200)
    assert len(office.contacts()) == 1


async def test_who_has_no_such_aor_is_not_found(office):
    await office.start(alice())
    phone = await office.phone()
    request = phone.request("REGISTER", "alice", ("Contact", "<sip:a@192.0.2.1>"))
    request.set("To", "<sip:bob@127.0.0.1>")
    assert (await phone.exchange(request)).status == 404


async def test_an_endpoint_without_aors_may_not_register(office):
    await office.start("[alice]\ntype=endpoint\n")
    assert (await (await office.phone()).register()).status == 403


async def test_a_domain_alias_leads_to_its_domain(office):
    await office.start(
        "[alice]\ntype=endpoint\naors=alice@office.example\n[alice@office.example]\ntype=aor\nmax_contacts=1\n"
        "[127.0.0.1]\ntype=domain_alias\ndomain=office.example\n"
    )
    assert (await (await office.phone()).register()).status == 200
    assert office.contacts("alice@office.example")


async def test_path_is_kept_and_told(office):
    await office.start(alice(more="support_path = yes"))
    phone = await office.phone()
    answer = await phone.register("alice", "sip:a@192.0.2.1", Supported="path", Path="<sip:proxy@192.0.2.9;lr>")
    assert answer.get("Path") == "<sip:proxy@192.0.2.9;lr>"
    assert answer.get("Supported") == "path"
    [contact] = office.stack.locations.by_name["alice"].contacts.values()
    assert contact.path == "<sip:proxy@192.0.2.9;lr>"


async def test_path_without_its_option_tag_is_refused(office):
    await office.start(alice(more="support_path = yes"))
    answer = await (await office.phone()).register("alice", "sip:a@192.0.2.1", Path="<sip:proxy@192.0.2.9;lr>")
    assert answer.status == 420
    assert answer.get("Unsupported") == "path"


async def test_contacts_stay_in_the_database(office):
    await office.start(alice())
    phone = await office.phone()
    await phone.register(expires=300)
    [(key, text)] = office.pbx.astdb.by_prefix("registrar", "contact/")
    assert key.startswith("/registrar/contact/alice;@")
    values = json.loads(text)
    assert values["uri"] == phone.uri("alice")
    assert int(values["expiration_time"]) == pytest.approx(office.pbx.wall() + 300, abs=1)
    assert values["prune_on_boot"] == "no"
    await office.restart(alice())
    assert office.contacts() == [phone.uri("alice")]
    await office.until(lambda: not office.contacts(), 310)
    assert not list(office.pbx.astdb.by_prefix("registrar", "contact/"))


async def test_what_expired_while_we_were_down_is_forgotten(office):
    stale = {"uri": "sip:a@192.0.2.1", "expiration_time": "1799999999"}
    office.pbx.astdb.put("registrar", "contact/alice;@1", json.dumps(stale))
    office.pbx.astdb.put("registrar", "contact/alice;@2", "no json")
    await office.start(alice())
    assert not office.contacts()
    assert not list(office.pbx.astdb.by_prefix("registrar", "contact/"))


async def test_a_contact_from_before_the_clock_was_set_back_still_ends(office):
    far = {"uri": "sip:a@192.0.2.1", "expiration_time": "1900000000"}
    office.pbx.astdb.put("registrar", "contact/alice;@1", json.dumps(far))
    await office.start(alice())
    assert office.contacts() == ["sip:a@192.0.2.1"]
    await office.until(lambda: not office.contacts(), 7300)


async def test_rewrite_contact_writes_where_it_came_from_and_answers_what_was_said(office):
    await office.start(alice().replace("aors = alice", "aors = alice\nrewrite_contact = yes"))
    phone = await office.phone()
    answer = await phone.register("alice", "sip:alice@10.9.8.7:5062")
    assert answer.get("Contact").startswith("<sip:alice@10.9.8.7:5062>")
    [uri] = office.contacts()
    assert uri.startswith(f"sip:alice@{phone.address};")
    await phone.register("alice", "sip:alice@10.9.8.7:5062", expires=0)
    assert not office.contacts()


async def test_contacts_of_an_aor_that_goes_go_with_it(office):
    await office.start(alice())
    await (await office.phone()).register()
    await office.reload("[alice]\ntype=endpoint\n")
    assert "alice" not in office.stack.locations.by_name
    assert not list(office.pbx.astdb.by_prefix("registrar", "contact/"))


async def test_credentials_of_a_kind_nobody_knows_are_none(office):
    """RFC 4475 3.3.7: they are no reason to refuse for good."""
    await office.start(
        "[alice]\ntype=endpoint\naors=alice\nauth=alice\n[alice]\ntype=aor\nmax_contacts=1\n"
        "[alice]\ntype=auth\nusername=alice\npassword=secret\n"
    )
    phone = await office.phone()
    request = phone.request("REGISTER", "alice", ("Authorization", "NoOneKnowsThisScheme opaque-data=here"))
    request.add("Contact", f"<{phone.uri('alice')}>")
    answer = await phone.exchange(request)
    assert answer.status == 401
    assert answer.get("WWW-Authenticate").startswith("Digest ")
