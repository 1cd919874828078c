"""BASE64, digests, URI encoding, AES, character sets, UUID, SPRINTF, JSON."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.functions import encodings, json_decode, sprintf
from support.exchange import Exchange

JSON = (
    '{"city":"Berlin","list":[1,2.5,"three",[4]],"deep":{"a":{"b":"c"}},"yes":true,"no":false,"nothing":null,'
    '"big":12345678901234,"whole":2.0,"a.b":"dotted"}'
)
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters='\0${}[]()\\,"'), min_size=1, max_size=30)


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(encodings, json_decode, sprintf)
    return exchange


READ = [
    ("${BASE64_ENCODE(Aladdin:open sesame)}", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ("${BASE64_DECODE(QWxhZGRpbjpvcGVuIHNlc2FtZQ==)}", "Aladdin:open sesame"),
    ("${BASE64_DECODE(QWxhZGRp=ZGRp)}", "Aladdi"),
    ("${BASE64_ENCODE(${BASE64_DECODE(QWxh:Q==)})}", "QWxh/Q=="),
    ("${MD5(message digest)}", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("${SHA1(abc)}", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("${URIENCODE(sip:a b@c/ü?)}", "sip%3Aa%20b%40c%2F%C3%BC%3F"),
    ("${URIDECODE(a%20b+c%zz)}", "a b+c%zz"),
    ("${ICONV(utf-8,iso-8859-1,abc)}", "abc"),
    ("${ICONV(utf-8,ascii//IGNORE,süß)}", "s"),
    ("${SPRINTF(%03d-%s-%%,7,x)}", "007-x-%"),
    ("${SPRINTF(%5.2f|%-5d|%+d,3.14159,4,5)}", " 3.14|4    |+5"),
    ("${SPRINTF(%x %X %o %c,255,255,8,65)}", "ff FF 10 A"),
    ("${SPRINTF(%s%s,a)}", "a(null)"),
    ("${SPRINTF(%e,12.5)}", "1.250000e+01"),
    ("${SPRINTF(%ld %5s,12,ab)}", "12    ab"),
    ("${SPRINTF(%u,-1)}", "4294967295"),
    ("${SPRINTF(a%cb,0)}", "ab"),
    ("${URIDECODE(a%00b)}${BASE64_DECODE(YQBi)}", "aa"),
    ("${JSON_DECODE(json,city)}", "Berlin"),
    ("${JSON_DECODE(json,list.0)} ${JSON_DECODE(json,list.1)} ${JSON_DECODE(json,list.2)}", "1 2.5 three"),
    ("${JSON_DECODE(json,list,,c)}", "4"),
    ("${JSON_DECODE(json,list.3)}", "[4]"),
    ("${JSON_DECODE(json,deep.a.b)}", "c"),
    ("${JSON_DECODE(json,deep.a)}", '{"b":"c"}'),
    ("${JSON_DECODE(json,deep/a/b,/)}", "c"),
    ("${JSON_DECODE(json,a.b,/)}", "dotted"),
    ("${JSON_DECODE(json,yes)}${JSON_DECODE(json,no)}[${JSON_DECODE(json,nothing)}]", "10[]"),
    ("${JSON_DECODE(json,big)}", "12345678901234"),
    ("[${JSON_DECODE(json,list.9)}${JSON_DECODE(json,missing)}${JSON_DECODE(none,x)}]", "[]"),
]


async def test_json_nested_without_end_is_none(exchange: Exchange):
    channel = exchange.channel()
    channel.set("json", "[" * 50_000)
    assert await exchange.read("[${JSON_DECODE(json,a)}]", channel) == "[]"


@pytest.mark.parametrize(("text", "value"), READ)
async def test_reading(exchange: Exchange, text: str, value: str):
    channel = exchange.channel()
    channel.set("json", JSON)
    assert await exchange.read(text, channel) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${MD5()}", "MD5 needs a text"),
        ("${AES_ENCRYPT(short,x)}", "needs a key of exactly 16 octets, not of 5"),
        ("${ICONV(klingon,utf-8,x)}", "klingon"),
        ("${SPRINTF(%d)}", "more conversions than values"),
        ("${SPRINTF(%d,x)}", '"x" is no whole number'),
        ("${SPRINTF(%y,1)}", '"%y" is no conversion'),
        ("${JSON_DECODE(bad,x)}", "bad holds no JSON"),
        ("${JSON_DECODE(json,)}", "JSON_DECODE needs"),
    ],
)
async def test_what_is_wrong_is_said(exchange: Exchange, text: str, sentence: str, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    channel.set("json", JSON)
    channel.set("bad", "{")
    assert await exchange.read(text, channel) == ""
    assert sentence in caplog.text


@given(PLAIN)
async def test_texts_survive_the_way_there_and_back(text: str):
    exchange = Exchange()
    exchange.load(encodings)
    channel = exchange.channel()
    channel.set("text", text)
    for there, back in (("URIENCODE(", "URIDECODE("), ("BASE64_ENCODE(", "BASE64_DECODE(")):
        assert await exchange.read(f"${{{back}${{{there}${{text}})}})}}", channel) == text
    key = "0123456789abcdef"
    assert await exchange.read(f"${{AES_DECRYPT({key},${{AES_ENCRYPT({key},${{text}})}})}}", channel) == text
    assert await exchange.read("${MD5(${text})}", channel) == hashlib.md5(text.encode()).hexdigest()
    assert await exchange.read("${BASE64_ENCODE(${text})}", channel) == base64.b64encode(text.encode()).decode()


async def test_aes_is_that_of_the_standard(exchange: Exchange):
    # FIPS 197, appendix B: the key and one block, here of printable characters.
    enciphered = await exchange.read("${AES_ENCRYPT(Thats my Kung Fu,Two One Nine Two)}")
    assert base64.b64decode(enciphered).hex() == "29c3505f571420f6402299b31a02d73a"


async def test_every_uuid_is_another_one(exchange: Exchange):
    shape = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    made = {await exchange.read("${UUID()}") for _ in range(20)}
    assert len(made) == 20
    assert all(shape.fullmatch(one) for one in made)
