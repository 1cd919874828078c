"""Texts, lists, hashes, times of day, CUT, SORT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.dialplan.arguments import escaped
from offhook.functions import cut, sayfiles, strings
from offhook.functions.strings.times import read_time, show_time
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(strings, cut)
    return exchange


VALUES = {
    "list": "a-b-c",
    "numbers": "5551212",
    "path": "one/two/three",
    "spaced": "abc def ghi",
    "empty": "",
    "amps": "ab&cd&ef",
    "mixed": "Hello World",
    "template": "${EXTEN} $[1 + 1]",
    "deep": "${EVAL(${deep})}",
}

READ = [
    ("${LEN(example)}", "7"),
    ("${LEN()}", "0"),
    ("${LEN(é)}", "2"),
    ("${LEN(a,b)}", "3"),
    ("${TOUPPER(Exämple)}", "EXäMPLE"),
    ("${TOLOWER(EXAMPLE,B)}", "example,b"),
    ("[${TRIM(  a b  )}]", "[a b]"),
    ("[${LTRIM(  a b  )}]", "[a b  ]"),
    ("[${RTRIM(  a b  )}]", "[  a b]"),
    ("${PASSTHRU(x,y)}", "x,y"),
    ('${QUOTE(ab"c\\de)}', '"ab\\"c\\\\de"'),
    ('${CSV_QUOTE("a,b" 123)}', '"""a,b"" 123"'),
    ("${KEYPADHASH(Les)}", "537"),
    ("${KEYPADHASH(1-Z0)}", "190"),
    ("${FILTER(0-9,1a2b3)}", "123"),
    ("${FILTER(a-c\\-x,a-b-x-z)}", "a-b-x-"),
    ("${FILTER(\\x41-\\x43,XABCX)}", "ABC"),
    ("${FILTER(\\n,a)}", ""),
    ("${FILTER(a-z,a,b)}", "ab"),
    ("${REPLACE(numbers,5,x)}", "xxx1212"),
    ("${REPLACE(numbers,15)}", "22"),
    ("${REPLACE(mixed,lo,_)}", "He___ W_r_d"),
    ("${REPLACE(empty,a,b)}", ""),
    ("${STRREPLACE(spaced,def,x)}", "abc x ghi"),
    ("${STRREPLACE(numbers,12)}", "555"),
    ("${STRREPLACE(numbers,5,9,2)}", "9951212"),
    ("${STRREPLACE(spaced, ,)}", "abcdefghi"),
    ("${STRBETWEEN(numbers,w)}", "5w5w5w1w2w1w2"),
    ('${REGEX("^5+" 555)}', "1"),
    ('${REGEX("^5+$" 5554)}', "0"),
    ('${REGEX("^ x"  x)}', "1"),
    ('${REGEX("^$")}', "1"),
    (r'${REGEX("^\\[C-[0-9]+\\]" [C-1])}', "1"),
    (r'${REGEX("^a\.c" abc)}', "1"),
    (r'${REGEX("^a\\.c" abc)}', "0"),
    ("${EVAL(${template})}", "s 2"),
    ("${EVAL(a)}", "a"),
    ("${FIELDQTY(list,-)}", "3"),
    ("${FIELDQTY(list,x)}", "1"),
    ("${FIELDQTY(empty,-)}", "0"),
    ("${FIELDQTY(spaced,\\x20)}", "3"),
    ("${FIELDQTY(list)}", "1"),
    ("${FIELDNUM(list,-,b)}", "2"),
    ("${FIELDNUM(list,-,B)}", "2"),
    ("${FIELDNUM(list,-,x)}", "0"),
    ("${FIELDNUM(list,,b)}", "0"),
    ("${FIELDNUM(path,\\\\x2f,three)}", "3"),
    ("${LISTFILTER(amps,&,ab)}", "cd&ef"),
    ("${LISTFILTER(amps,&,cd)}", "ab&ef"),
    ("${LISTFILTER(amps,&,ef)}", "ab&cd"),
    ("${LISTFILTER(amps,&,c)}", "ab&cd&ef"),
    ("${LISTFILTER(PASSTHRU(ab),&,ab)}", ""),
    ("${LISTFILTER(empty,&,ab)}", ""),
    ("${CUT(list,-,2)}", "b"),
    ("${CUT(list,,2)}", "b"),
    ("${CUT(list,-,2-)}", "b-c"),
    ("${CUT(list,-,-2)}", "a-b"),
    ("${CUT(path,/,1&3)}", "one/three"),
    ("${CUT(path,/,1-2&3)}", "one/two/three"),
    ("${CUT(list,-,9)}", ""),
    ("${CUT(empty,-,1)}", ""),
    ("${CUT(CHANNEL,/,2)}", "1"),
    ("${CUT(PASSTHRU(x:y),:,2)}", "y"),
    ("${CUT(spaced, ,3)}", "ghi"),
    ("${SORT(a:3,b:1,c:2)}", "b,c,a"),
    ("${SORT(a:1.5,b:-2,nothing,c:10)}", "b,a,c"),
]


@pytest.mark.parametrize(("text", "value"), READ)
async def test_reading(exchange: Exchange, text: str, value: str):
    channel = exchange.channel()
    for name, content in VALUES.items():
        channel.set(name, content)
    assert await exchange.read(text, channel) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${EVAL(${deep})}", "EVAL is nested more than 15 deep"),
        ("${REGEX(x)}", "REGEX needs an expression in double quotes"),
        ('${REGEX("(" x)}', "REGEX needs an expression in double quotes"),
        ('${REGEX("[z-a]" x)}', '"[z-a]" is no regular expression'),
        ("${FILTER(abc)}", "FILTER needs the allowed characters and a text"),
        ("${REPLACE(numbers,)}", "REPLACE needs"),
        ("${CUT(list,-,x)}", '"x" chooses no fields'),
        ("${CUT(list)}", "function CUT needs more arguments"),
        ("${FIELDNUM(list,\\\\x,b)}", "\\x needs hexadecimal digits"),
    ],
)
async def test_what_is_wrong_is_said(exchange: Exchange, text: str, sentence: str, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    for name, content in VALUES.items():
        channel.set(name, content)
    assert await exchange.read(text, channel) == ""
    assert sentence in caplog.text


async def test_cut_does_not_turn_fields_round(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    channel.set("list", "a-b-c")
    assert await exchange.read("${CUT(list,-,3&1)}", channel) == "c"
    assert await exchange.read("${CUT(list,-,2&1)}", channel) == "b"
    assert "rising order" in caplog.text


async def test_lists_as_stacks(exchange: Exchange):
    channel = exchange.channel()
    channel.set("x", "a,b,c")
    assert await exchange.read("${SHIFT(x)}", channel) == "a"
    assert await exchange.read("${POP(x)}", channel) == "c"
    assert channel.get("x") == "b"
    await exchange.write("PUSH(x)", "d,e", channel)
    await exchange.write("UNSHIFT(x)", "z", channel)
    assert channel.get("x") == "z,b,d,e"
    assert await exchange.read("${SHIFT(x,-)}", channel) == "z,b,d,e"
    assert channel.get("x") == ""
    await exchange.write("PUSH(__y,-)", "1", channel)
    await exchange.write("PUSH(__y,-)", "2", channel)
    assert list(channel.variables.inherited()) == [("__y", "1-2")]


async def test_array_assigns_several(exchange: Exchange):
    channel = exchange.channel()
    await exchange.write("ARRAY(a,b,c)", '1,"2,3"', channel)
    assert [channel.get(name) for name in "abc"] == ["1", "2,3", ""]


async def test_hashes(exchange: Exchange):
    channel = exchange.channel()
    await exchange.write("HASH(h,one)", "1", channel)
    await exchange.write("HASH(h,two)", "2,2", channel)
    await exchange.write("HASH(other,one)", "x", channel)
    assert await exchange.read("${HASH(h,one)} ${HASH(h,two)} ${HASH(h,three)}", channel) == "1 2,2 "
    assert await exchange.read("${HASHKEYS(h)}", channel) == "two,one"
    assert await exchange.read("${HASH(h)}", channel) == "2,2,1"
    exchange.dialplan("[test]\nexten => s,1,ClearHash(h)\n same => n,Set(left=[${HASHKEYS(h)}${HASHKEYS(other)}])\n")
    await channel.start_pbx()
    assert channel.get("left") == "[one]"


async def test_a_hash_takes_the_columns_of_a_database_function(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    await exchange.write("HASH(h)", "1,2", channel)
    assert "name a key" in caplog.text
    channel.set("~ODBCFIELDS~", "id,name")
    await exchange.write("HASH(h)", "7,Bob", channel)
    assert await exchange.read("${HASH(h,id)} ${HASH(h,name)}", channel) == "7 Bob"


@pytest.mark.parametrize(
    ("epoch", "zone", "layout", "text"),
    [
        (0, "UTC", "%Y-%m-%d %H:%M:%S", "1970-01-01 00:00:00"),
        (1141219835, "America/Chicago", "%H:%M %Z", "07:30 CST"),
        (1784109600, "Europe/Berlin", "%d.%m.%Y %H:%M %z", "15.07.2026 12:00 +0200"),
        (1.25, "UTC", "%S.%3q %q %1q %6q", "01.250 250 2 250000"),
        (1784109600, "Europe/Berlin", "%s %% %%3q", "1784109600 % %3q"),
    ],
)
def test_times_as_texts(epoch: float, zone: str, layout: str, text: str):
    assert show_time(epoch, zone, layout) == text


async def test_strftime_without_an_epoch_is_now(exchange: Exchange):
    exchange.clock = 86400.0
    assert await exchange.read("${STRFTIME(,UTC,%Y-%m-%d)}") == "1970-01-02"
    assert await exchange.read("${STRFTIME(0,UTC)}") == "Thu Jan  1 00:00:00 1970"


async def test_strptime(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    read = exchange.read
    assert await read("${STRPTIME(2006-03-01 07:30:35,America/Chicago,%Y-%m-%d %H:%M:%S)}") == "1141219835"
    assert await read("${STRPTIME(2026-07-15 12:00,Europe/Berlin,%Y-%m-%d %H:%M)}") == "1784109600"
    assert await read("${STRPTIME(nonsense,UTC,%Y)}") == ""
    assert '"nonsense" is no time' in caplog.text


@given(st.integers(0, 4_000_000_000), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]))
def test_a_time_read_back_is_the_same(epoch: int, zone: str):
    shown = show_time(epoch, zone, "%Y-%m-%d %H:%M:%S")
    again = read_time(shown, zone, "%Y-%m-%d %H:%M:%S")
    assert again is not None and abs(again - epoch) in (0, 3600)


@given(st.text("abc\\nrt0x12 ", max_size=8))
def test_escapes_never_grow(text: str):
    try:
        assert len(escaped(text)) <= len(text)
    except Exception as error:
        assert "hexadecimal" in str(error)


@given(st.lists(st.text("ab", max_size=2), min_size=1, max_size=5), st.data())
async def test_cut_gives_the_fields(fields: list[str], data: st.DataObject):
    from offhook.dialplan.scope import Scope
    from offhook.dialplan.variables import Variables

    variables = Variables()
    variables.set("x", "/".join(fields))

    class Host:
        globals = Variables()

    scope = Scope(Host(), None, variables)  # type: ignore[arg-type]
    start = data.draw(st.integers(1, 6))
    stop = data.draw(st.integers(start, 7))
    assert cut.cut.read is not None
    expected = "/".join(fields[start - 1 : stop]) if any(fields) or len(fields) > 1 else ""
    assert cut.cut.read(scope, "x", "/", f"{start}-{stop}") == expected


@pytest.mark.parametrize(
    ("value", "way", "names"),
    [
        ("hi Th3", "", "letters/h letters/i letters/space letters/t letters/h digits/3"),
        ("ab", "phonetic", "phonetic/a_p phonetic/b_p"),
        ("+1*", "digits", "digits/1 digits/star"),
        ("747", "number", "digits/7 digits/hundred digits/40 digits/7"),
        ("2001000001", "number", "digits/2 digits/billion digits/1 digits/million digits/1"),
        ("43638", "ordinal", "digits/40 digits/3 digits/thousand digits/6 digits/hundred digits/30 digits/h-8"),
        ("1000000", "ordinal", "digits/1 digits/h-million"),
        ("0", "money", "digits/0 cents"),
        (".42", "money", "digits/40 digits/2 cents"),
        ("1.00", "money", "digits/1 letters/dollar"),
        ("1.42", "money", "digits/1 letters/dollar_ and digits/40 digits/2 cents"),
        ("2.05", "money", "digits/2 dollars and digits/5 cents"),
    ],
)
async def test_names_of_prompts(exchange: Exchange, value: str, way: str, names: str):
    exchange.load(sayfiles)
    assert await exchange.read(f"${{SAYFILES({value},{way})}}") == names.replace(" ", "&")


async def test_prompts_for_what_cannot_be_said(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    exchange.load(sayfiles)
    assert await exchange.read("${SAYFILES(x,number)}${SAYFILES(1,sung)}") == ""
    assert '"x" is no whole number' in caplog.text
    assert '"sung" is no type' in caplog.text
