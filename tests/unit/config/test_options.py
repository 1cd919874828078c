"""Option tables: typed values, complaints with a remedy, help and samples out of one declaration."""

import re

import pytest

from offhook.config import options
from offhook.config.model import ConfigError
from offhook.config.objects import Object, Objects, UnknownObjectError
from offhook.config.options import SCHEMAS, Kind, Schema
from offhook.config.parser import loads
from offhook.config.samples import describe, sample
from offhook.daemon import tables
from offhook.daemon.settings import OPTIONS, Settings


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (options.flag(), "On", True),
        (options.flag(), "n", False),
        (options.integer(1, 65535), " 5060 ", 5060),
        (options.number(0), "0.5", 0.5),
        (options.duration(), "90", 90.0),
        (options.duration("ms"), "90", 0.09),
        (options.duration(), "2h", 7200.0),
        (options.duration("m"), "500ms", 0.5),
        (options.choice("udp", "tcp", aliases={"u": "udp"}), "TCP", "tcp"),
        (options.choice("udp", "tcp", aliases={"u": "udp"}), "U", "udp"),
        (options.words(), " a, b,,c ", ["a", "b", "c"]),
        (options.address(), "192.0.2.1", ("192.0.2.1", None)),
        (options.address(5060), "192.0.2.1", ("192.0.2.1", 5060)),
        (options.address(), "pbx.example:5061", ("pbx.example", 5061)),
        (options.address(), "[2001:db8::1]:5061", ("2001:db8::1", 5061)),
        (options.address(5), "2001:db8::1", ("2001:db8::1", 5)),
        (options.octal(), "0660", 0o660),
        (options.string(), " as it is", " as it is"),
    ],
)
def test_a_kind_reads_its_values(kind: Kind, text: str, value: object) -> None:
    assert kind.parse(text) == value
    assert kind.parse(kind.show(value)) == value


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (options.flag(), "maybe", '"maybe" is neither yes nor no'),
        (options.integer(1, 10, "ms"), "11", "11 is not a whole number from 1 to 10, in ms"),
        (options.integer(), "1.5", '"1.5" is no whole number'),
        (options.duration(), "soon", '"soon" is no length of time; write a number of seconds, or 500ms, 30s, 5m, 2h'),
        (options.duration("s", 1, 10), "1m", "1m is too long; allowed is from 1 to 10 s"),
        (options.choice("a", "b"), "c", '"c" is not one of a, b'),
        (options.expression(), "(", '"(" is no regular expression'),
        (options.address(), "a b", '"a b" is no address'),
        (options.address(), "a:99999", '"99999" in "a:99999" is no port'),
        (options.octal(), "9", '"9" is no octal mode such as 0660'),
    ],
)
def test_a_kind_says_what_is_wrong(kind: Kind, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        kind.parse(text)


@pytest.fixture
def schema() -> Schema:
    made = Schema("res_example", "example.conf", "an example")
    endpoint = made.type("endpoint", "Somebody to call.")
    endpoint.option("timeout", options.duration(), 30.0, "How long it rings.")
    endpoint.option("allow", options.string(), ["ulaw"], "Codecs.", many=True, aliases=("codec",))
    made.type("aor", "Where to call.").option("contact", options.string(), None, "An address.")
    del SCHEMAS["example.conf"]
    return made


def test_a_table_turns_a_section_into_values_and_complaints(schema: Schema) -> None:
    endpoint = schema.type_named("ENDPOINT")
    assert endpoint is not None
    errors: list[ConfigError] = []
    section = loads("[a]\ntimeout=1m\ntimout=5\nallow=alaw\nCodec=g722\ntimeout=x\n", "example.conf").get("a")
    assert endpoint.apply(section, errors) == {"timeout": 60.0, "allow": ["alaw", "g722"]}
    assert [str(error) for error in errors] == [
        'example.conf:3: unknown option "timout"; did you mean "timeout"?',
        'example.conf:6: timeout: "x" is no length of time; write a number of seconds, or 500ms, 30s, 5m, 2h',
    ]
    assert endpoint.apply(None, errors) == {"timeout": 30.0, "allow": ["ulaw"]}


def test_defaults_are_not_shared(schema: Schema) -> None:
    endpoint = schema.types[0]
    endpoint.apply(None, [])["allow"].append("x")
    assert endpoint.apply(None, [])["allow"] == ["ulaw"]


def test_help_and_sample_come_from_the_table(schema: Schema) -> None:
    option = schema.types[0].find("codec")
    assert option is not None
    assert describe(option) == [
        "[allow]",
        "Codecs.",
        "Value: text; may be written several times",
        "Default: ulaw",
        "Also written: codec",
    ]
    config = loads(sample(schema).replace("\n;timeout", "\ntimeout"))
    assert not config.errors
    assert config.value("endpoint", "timeout") == "30s"


def test_every_sample_is_a_valid_file() -> None:
    for schema in (tables.ASTERISK, tables.LOGGER, tables.MODULES):
        config = loads(sample(schema))
        assert not config.errors
        assert [section.name for section in config] == [kind.name for kind in schema.types]


def test_the_table_of_asterisk_conf_says_what_the_daemon_does() -> None:
    settings = vars(Settings())
    table = tables.ASTERISK.type_named("options")
    assert table is not None
    assert {option.name: option.default for option in table} == {name: settings[name] for name in OPTIONS}


# ---- objects ----------------------------------------------------------------------------------------


def test_objects_of_one_name_differ_by_type(schema: Schema) -> None:
    objects = Objects(schema)
    text = "[t](!)\ntype=endpoint\ntimeout=5\n[alice](t)\nallow=g722\n[alice]\ntype=aor\ncontact=here\n[bob](t)\n"
    assert objects.load(loads(text)) == []
    alice = objects.get("endpoint", "alice")
    assert alice is not None
    assert (alice["timeout"], alice["allow"]) == (5.0, ["g722"])
    assert alice.shown() == {"timeout": "5s", "allow": "g722"}
    assert [one.id for one in objects.all("endpoint")] == ["alice", "bob"]
    assert [one.id for one in objects.all("aor")] == ["alice"]
    assert objects.get("aor", "bob") is None


def test_objects_complain_about_types_and_repetition(schema: Schema) -> None:
    errors = Objects(schema).load(loads("[a]\nx=1\n[b]\ntype=phone\n[c]\ntype=aor\n[c]\ntype=aor\n", "example.conf"))
    assert [str(error) for error in errors] == [
        "example.conf:1: [a]: there is no type; write type = endpoint, aor",
        'example.conf:3: [b]: type "phone" is unknown; write type = endpoint, aor',
        "example.conf:7: [c] of type aor stands here a second time",
    ]


def test_observers_hear_what_a_reload_changes(schema: Schema) -> None:
    objects = Objects(schema)
    heard: list[tuple[str, str]] = []

    def observe(what: str, thing: Object) -> None:
        heard.append((what, thing.id))

    objects.observers.append(observe)
    objects.load(loads("[a]\ntype=aor\n[b]\ntype=aor\ncontact=1\n[c]\ntype=aor\n"))
    heard.clear()
    objects.load(loads("[a]\ntype=aor\n[b]\ntype=aor\ncontact=2\n[d]\ntype=aor\n"))
    assert sorted(heard) == [("created", "d"), ("deleted", "c"), ("updated", "b")]


def test_pushed_objects_outlive_a_reload(schema: Schema) -> None:
    objects = Objects(schema)
    objects.load(loads("[a]\ntype=aor\ncontact=file\n"))
    objects.push("aor", "a", [("contact", "pushed")])
    objects.push("aor", "b", [("contact", "b")])
    objects.change("aor", "b", {"contact": "c"})
    objects.load(loads("[a]\ntype=aor\ncontact=file2\n"))
    assert [one["contact"] for one in objects.all("aor")] == ["pushed", "c"]
    objects.delete("aor", "b")
    assert objects.get("aor", "b") is None
    with pytest.raises(UnknownObjectError):
        objects.delete("aor", "b")
    with pytest.raises(UnknownObjectError):
        objects.push("phone", "b", [])
    with pytest.raises(ConfigError, match="unknown option"):
        objects.push("aor", "b", [("contcat", "x")])
