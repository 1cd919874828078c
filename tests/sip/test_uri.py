"""SIP and tel URIs, addresses: read, compare, write (RFC 3261 19.1, RFC 3966)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.errors import SIPError
from offhook.sip.uri import NameAddr, OtherUri, SipUri, TelUri, parse_uri, split_host_port, tag_of


def test_a_full_uri_comes_apart() -> None:
    uri = SipUri.parse("sips:alice:s%20ecret@[2001:db8::1]:5071;Transport=TCP;lr;method=REGISTER?to=sip:bob%40x&a=b")
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == ("sips", "alice", "s ecret", "2001:db8::1", 5071)
    assert uri.params == {"transport": "TCP", "lr": None, "method": "REGISTER"}
    assert uri.transport == "tcp"
    assert uri.loose_route
    assert uri.header_fields == [("to", "sip:bob@x"), ("a", "b")]
    assert uri.host_port == "[2001:db8::1]:5071"


@pytest.mark.parametrize(
    "text",
    [
        "sip:",
        "sip:@host",
        "sip:user@",
        "sip:user@host:",
        "sip:user@host:port",
        "sip:user@host:65536",
        "sip:us er@host",
        "sip:user@ho<st",
        "sip:user%4@host",
        "sip:user%@host",
        "sip:[::1",
        "sip:[::1]x",
        "sip:[zz]",
        "sip:host;;lr",
        "sip:a@b@c",
        "user@host",
        "",
    ],
)
def test_malformed_uris_are_refused(text: str) -> None:
    with pytest.raises(SIPError) as refusal:
        parse_uri(text)
    assert refusal.value.status == 400


def test_another_scheme_is_416_where_sip_is_needed() -> None:
    with pytest.raises(SIPError) as refusal:
        SipUri.parse("http://example.com")
    assert refusal.value.status == 416
    assert parse_uri("http://example.com") == OtherUri("http", "http://example.com")


# The examples of RFC 3261 19.1.4.
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_equal_uris(left: str, right: str) -> None:
    assert SipUri.parse(left) == SipUri.parse(right)
    assert hash(SipUri.parse(left)) == hash(SipUri.parse(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:carol@chicago.com", "sips:carol@chicago.com"),
        ("sip:carol@chicago.com", "sip:chicago.com"),
    ],
)
def test_different_uris(left: str, right: str) -> None:
    assert SipUri.parse(left) != SipUri.parse(right)


def test_tel_uris_ignore_visual_separators() -> None:
    uri = parse_uri("tel:+1-201-555-0123;phone-context=example.com")
    assert isinstance(uri, TelUri)
    assert uri.user == "+12015550123"
    assert uri.host == "example.com"
    assert uri == TelUri.parse("tel:+1(201)5550123;Phone-Context=EXAMPLE.com")
    assert uri != TelUri.parse("tel:+12015550124")
    with pytest.raises(SIPError):
        TelUri.parse("tel:alice")


def test_a_changed_copy_leaves_the_original() -> None:
    uri = SipUri.parse("sip:100@192.0.2.1:5060;transport=udp")
    other = uri.replace(host="198.51.100.7", port=None, params={})
    assert str(other) == "sip:100@198.51.100.7"
    assert str(uri) == "sip:100@192.0.2.1:5060;transport=udp"


@given(
    user=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    password=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    port=st.none() | st.integers(0, 65535),
)
def test_any_user_part_survives_writing_and_reading(user: str, password: str | None, port: int | None) -> None:
    uri = SipUri("example.com", user, port, password=password)
    again = SipUri.parse(str(uri))
    assert (again.user, again.password, again.port) == (user, password, port)
    assert str(uri).isascii()


def test_addresses() -> None:
    address = NameAddr.parse('"Bob \\"the\\" <b>" <sip:bob@example.com;lr>;tag=a;x="1;2"')
    assert address.display == 'Bob "the" <b>'
    assert address.tag == "a"
    assert address.params["x"] == '"1;2"'
    assert str(address) == '"Bob \\"the\\" <b>" <sip:bob@example.com;lr>;tag=a;x="1;2"'
    assert NameAddr.parse("*").star
    assert str(NameAddr.parse("*")) == "*"
    bare = NameAddr.parse("sip:bob@example.com;tag=b")
    assert bare.tag == "b"
    assert str(bare) == "<sip:bob@example.com>;tag=b"


@pytest.mark.parametrize(
    ("text", "user", "params"),
    [
        ("sip:bob;phone-context=national@example.com", "bob;phone-context=national", {}),
        (
            "sip:bob;phone-context=national@example.com;transport=udp",
            "bob;phone-context=national",
            {"transport": "udp"},
        ),
        ('sip:bob@example.com;x="a@b"', "bob", {"x": '"a@b"'}),
        ('sip:example.com;x="a;b@c"', "", {"x": '"a;b@c"'}),
    ],
)
def test_a_semicolon_of_the_user_part_ends_no_uri_without_brackets(
    text: str, user: str, params: dict[str, str | None]
) -> None:
    address = NameAddr.parse(text)
    assert isinstance(address.uri, SipUri)
    assert (address.uri.user, address.uri.host, address.params) == (user, "example.com", params)


@pytest.mark.parametrize(
    "text",
    [
        '"Bob <sip:b@c>',
        "<sip:b@c",
        "<sip:b@c> x",
        '"Bob" sip:b@c',
        "",
        "sip:a@b,sip:c@d",
        "sip:a@b?c=d",
        "<>",
        ";tag=a",
    ],
)
def test_malformed_addresses_are_refused(text: str) -> None:
    with pytest.raises(SIPError):
        NameAddr.parse(text)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))
def test_any_display_name_survives_writing_and_reading(display: str) -> None:
    assert NameAddr.parse(str(NameAddr(SipUri("h"), display))).display == display


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("<sip:a@b>;tag=1", "1"),
        ("<sip:a@b;tag=no>", ""),
        ("<sip:a@b;tag=no>;x=y;tag=yes;z", "yes"),
        ("sip:a@b;tag=1", "1"),
        ("<sip:a@b>;TAG=1", "1"),
        ("<sip:a@b> ; tag = 1", "1"),
        ('";tag=no" <sip:a@b>;tag=yes', "yes"),
        ("<sip:a@b>;nottag=1", ""),
        ('<sip:a@b>;tag=yes;x=">;tag=no"', "yes"),
        ('"<sip:x>;tag=no" <sip:a@b>;tag=yes', "yes"),
        ("<sip:a@b>;;tag", ""),
        ("<sip:a@b>; tag=1; ;", ""),
        ("", ""),
    ],
)
def test_the_tag_is_found_without_parsing_the_rest(value: str, tag: str) -> None:
    assert tag_of(value) == tag


def test_host_and_port() -> None:
    assert split_host_port("[::1]:5060") == ("::1", 5060)
    assert split_host_port("[::1]") == ("::1", None)
    assert split_host_port("a.example:1") == ("a.example", 1)


@given(st.text(alphabet="<>;tag= ,x:", max_size=40))
def test_a_tag_is_found_as_parsing_finds_it(text: str) -> None:
    value = f"<sip:a@b>;tag={text}"
    try:
        expected = NameAddr.parse(value).tag
    except SIPError:
        return
    assert tag_of(value) == expected


def test_an_address_that_is_read_again_is_one_of_its_own() -> None:
    text = '"Bob" <sip:bob@example.com>;tag=1'
    one = NameAddr.parse(text)
    one.params["tag"] = "2"
    one.display = ""
    assert str(NameAddr.parse(text)) == text
