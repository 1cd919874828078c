"""The log: what goes where, how it looks, and what happens when there is too much of it."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from offhook import log as levels
from offhook.config.parser import loads
from offhook.daemon.logchannel import (
    ChannelError,
    DateFormat,
    LogChannelChanged,
    Message,
    as_default,
    as_json,
    as_plain,
    for_console,
    for_syslog,
    make_channel,
    rotate,
)
from offhook.daemon.logger import Log

MESSAGE = Message(1700000000.25, "NOTICE", 0, 42, "C-00000001", "dial.py", 7, "dial", "hello \x1b[31mworld\x1b[0m")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log in a directory of its own; the test runner's handlers are put back afterwards."""
    root, package = logging.getLogger(), logging.getLogger("offhook")
    handlers, level, own = root.handlers[:], root.level, package.level
    made = Log(str(tmp_path / "log"))
    made.install()
    yield made
    made.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    package.setLevel(own)
    logging.captureWarnings(False)


def say(level: int, text: str, *args: object) -> None:
    logging.getLogger("offhook.test").log(level, text, *args)


def lines(path: Path) -> list[str]:
    """The lines of a log file after its banner."""
    return path.read_text().splitlines()[1:]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (as_default(MESSAGE, "now"), "[now] NOTICE[42][C-00000001] dial.py: hello world"),
        (as_plain(MESSAGE, "now"), "[now] NOTICE[42][C-00000001]: dial.py:7 dial: hello world"),
        (for_syslog(MESSAGE), "NOTICE[42][C-00000001]: dial.py:7 in dial: hello world"),
        (for_console(MESSAGE, "now", colours=False), "[now] NOTICE[42][C-00000001]: dial.py:7 dial: hello world"),
    ],
)
def test_formats(shown: str, expected: str) -> None:
    assert shown == expected


def test_json_is_what_asterisk_writes() -> None:
    assert json.loads(as_json(MESSAGE, "now", "box")) == {
        "hostname": "box",
        "timestamp": "now",
        "identifiers": {"lwp": 42, "callid": "[C-00000001]"},
        "logmsg": {
            "location": {"filename": "dial.py", "function": "dial", "line": 7},
            "level": "NOTICE",
            "message": "hello world",
        },
    }


@pytest.mark.parametrize(
    ("level", "prefix"),
    [(0, ""), (1, " "), (2, "  == "), (3, "    -- "), (4, "       > "), (5, "        > "), (10, "             > ")],
)
def test_verbose_lines_carry_the_prefix_of_their_level(level: int, prefix: str) -> None:
    message = Message(0.0, "VERBOSE", level, 1, "", "x.py", 1, "f", "one\ntwo")
    assert for_console(message, "now", colours=False) == f"{prefix}one\n{prefix}two"
    assert for_console(message, "now", colours=False, timestamp=True) == f"[now] {prefix}one\n[now] {prefix}two"


def test_fractions_of_a_second_in_dates() -> None:
    assert DateFormat("%S.%3q|%1q").format(5.6789) == "05.678|6"
    assert DateFormat("%%").format(5.0) == "%"


@pytest.mark.parametrize(
    ("name", "configuration", "kind", "formatter", "taken", "verbosity"),
    [
        ("console", "notice,warning", "Console", "default", {"NOTICE", "WARNING", "VERBOSE"}, -1),
        ("full.log", "[plain] notice , verbose(3)", "File", "plain", {"NOTICE", "VERBOSE"}, 3),
        ("j", "[JSON]error", "File", "json", {"ERROR"}, -1),
        ("syslog.local3", "error", "Syslog", "default", {"ERROR"}, -1),
        ("all", "*,verbose(1)", "File", "default", {"NOTICE", "VERBOSE", "DTMF", "ANY"}, 1),
    ],
)
def test_channels_by_configuration(
    name: str, configuration: str, kind: str, formatter: str, taken: set[str], verbosity: int
) -> None:
    channel = make_channel(name, configuration, "/logs", dynamic=True)
    assert (channel.kind, channel.formatter, channel.verbosity) == (kind, formatter, verbosity)
    assert {
        level for level in ("NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "ANY") if channel.takes(level)
    } >= taken
    assert not channel.takes("DEBUG") or channel.everything


@pytest.mark.parametrize(
    ("name", "configuration", "sentence"),
    [
        ("syslog.nix", "error", 'there is no syslog facility "nix"'),
        ("x", "[nix]error", r'"\[nix\]" is no formatter; use'),
        ("x", "[json error", "is no formatter"),
    ],
)
def test_channels_that_cannot_be(name: str, configuration: str, sentence: str) -> None:
    with pytest.raises(ChannelError, match=sentence):
        make_channel(name, configuration, "/logs")


def test_messages_go_to_the_channels_that_take_them(log: Log, tmp_path: Path) -> None:
    config = loads("[general]\ndateformat=%Y\n[logfiles]\nerrors.log => error\nall.log => *\ntalk.log => verbose(2)\n")
    assert log.configure(config) == []
    say(levels.ERROR, "broken %d", 1)
    say(levels.NOTICE, "noted")
    levels.verbose(2, "two")
    levels.verbose(3, "three")
    log.flush()
    assert re.fullmatch(r"\[\d{4}\] ERROR\[\d+\] test_logger\.py: broken 1", *lines(tmp_path / "log" / "errors.log"))
    assert [line.rpartition(" ")[2] for line in lines(tmp_path / "log" / "talk.log")] == ["two"]
    assert [line.rpartition(" ")[2] for line in lines(tmp_path / "log" / "all.log")] == ["1", "noted"]
    log.set_root_verbosity(3)
    levels.verbose(3, "three")
    log.flush()
    assert lines(tmp_path / "log" / "all.log")[-1].endswith(" three")
    assert [line.rpartition(" ")[2] for line in lines(tmp_path / "log" / "talk.log")] == ["two"]


def test_nothing_verbose_is_made_that_nobody_sees(log: Log) -> None:
    log.configure(loads("[logfiles]\nerrors.log => error\n"))
    assert levels.most_verbose == 0
    log.configure(loads("[logfiles]\ntalk.log => verbose(4)\n"))
    assert levels.most_verbose == 4


def test_a_message_names_its_call(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[logfiles]\nall.log => notice\n"))
    token = levels.call_id.set("C-0000002a")
    say(levels.NOTICE, "inside")
    levels.call_id.reset(token)
    say(levels.NOTICE, "outside")
    log.flush()
    inside, outside = lines(tmp_path / "log" / "all.log")
    assert "[C-0000002a]" in inside
    assert "[C-" not in outside
    assert levels.new_call_id() != levels.new_call_id()


def test_consoles_may_show_some_groups_of_calls_alone(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[logfiles]\nconsole => notice,verbose\nfull => verbose(9),notice\n", "logger.conf"))
    shown: list[str] = []

    class Screen:
        verbosity = 9

        def show(self, message: Message, date: str) -> None:
            shown.append(message.text)

    log.attach(Screen())
    log.groups.add("trunk")
    for group in ("", "trunk", "office"):
        token = levels.call_group.set(group)
        levels.verbose(1, "verbose of %r", group)
        say(levels.NOTICE, "notice of %r", group)
        levels.call_group.reset(token)
    log.flush()
    assert shown == ["notice of ''", "verbose of 'trunk'", "notice of 'trunk'", "notice of 'office'"]
    assert len(lines(tmp_path / "log" / "full")) == 6


def test_an_exception_comes_with_its_traceback(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[logfiles]\nall.log => error\n"))
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("offhook.test").exception("it failed")
    log.flush()
    text = (tmp_path / "log" / "all.log").read_text()
    assert "it failed\nTraceback (most recent call last):" in text
    assert text.endswith("RuntimeError: boom\n")


def test_debug_for_everything_or_for_one_module(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[logfiles]\nall.log => debug\n"))
    logger, other = logging.getLogger("offhook.apps.echo"), logging.getLogger("offhook.apps.dial")

    def debug() -> int:
        logger.debug("echo")
        other.debug("dial")
        log.flush()
        return len(lines(tmp_path / "log" / "all.log"))

    assert debug() == 0
    log.set_debug(1, "app_echo", "offhook.apps.echo")
    assert debug() == 1
    log.set_debug(2)
    assert debug() == 3
    log.set_debug(0)
    log.set_debug(0, "app_echo", "offhook.apps.echo")
    assert debug() == 3


def test_custom_levels_have_names_and_channels(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[general]\ncustom_levels=billing\n[logfiles]\nbill.log => billing\n"))
    number = logging.getLevelName("BILLING")
    assert isinstance(number, int)
    say(number, "one call")
    log.flush()
    assert len(lines(tmp_path / "log" / "bill.log")) == 1
    assert log.level_names()["BILLING"] == 18


def test_too_many_messages_lose_the_least_important_first(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[general]\nlogger_queue_limit=10\n[logfiles]\nall.log => *\n"))
    with log._writing:
        # The writer waits for this lock, as it would for a disk that hangs.
        for number in range(20):
            say(levels.NOTICE, "notice %d", number)
        for number in range(5):
            say(levels.ERROR, "error %d", number)
        assert len(log._queue) <= 10
    log.flush()
    text = (tmp_path / "log" / "all.log").read_text()
    assert [f"error {number}" in text for number in range(5)] == [True] * 5
    assert re.search(r"WARNING.*\d+ messages were dropped", text)


@pytest.mark.parametrize(
    ("strategy", "before", "after"),
    [
        ("none", ["x"], ["x"]),
        ("sequential", ["x", "x.0"], ["x.0", "x.1"]),
        ("rotate", ["x", "x.0", "x.1.gz"], ["x.0", "x.1", "x.2.gz"]),
        ("timestamp", ["x"], ["x.1234"]),
    ],
)
def test_rotation(tmp_path: Path, strategy: str, before: list[str], after: list[str]) -> None:
    for name in before:
        (tmp_path / name).write_text(name)
    rotate(str(tmp_path / "x"), strategy, 1234.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == after
    moved = {"sequential": "x.1", "rotate": "x.0", "timestamp": "x.1234", "none": "x"}[strategy]
    assert (tmp_path / moved).read_text() == "x"


def test_rotating_begins_new_files_and_runs_the_command(log: Log, tmp_path: Path) -> None:
    done = tmp_path / "done"
    config = loads(
        f"[general]\nrotatestrategy=rotate\nexec_after_rotate=echo ${{filename}} >> {done}\n"
        "[logfiles]\nall.log => notice\n"
    )
    log.configure(config)
    say(levels.NOTICE, "old")
    assert log.rotate(everything=True, now=0.0) == []
    log.configure(config)
    say(levels.NOTICE, "new")
    log.flush()
    assert lines(tmp_path / "log" / "all.log.0")[0].endswith(" old")
    assert lines(tmp_path / "log" / "all.log")[0].endswith(" new")
    assert str(tmp_path / "log" / "all.log") in done.read_text()


def test_mistakes_in_logger_conf_are_told_and_the_rest_works(log: Log, tmp_path: Path) -> None:
    config = loads(
        "[general]\nrotatestrategy=daily\n[logfiles]\nsyslog.nix => error\ngood.log => error\nbad.log => [x]error\n",
        "logger.conf",
    )
    assert [str(error) for error in log.configure(config)] == [
        'logger.conf:1: "daily" is no rotatestrategy; use none, sequential, rotate or timestamp',
        'logger.conf:4: log channel syslog.nix: there is no syslog facility "nix"; use one of kern, user, mail, '
        "daemon, auth, authpriv, syslog, lpr, news, uucp, cron, local0, local1, local2, local3, local4, local5, "
        "local6, local7",
        'logger.conf:6: log channel bad.log: "[x]" is no formatter; use [default], [plain] or [json]',
    ]
    assert [channel.name for channel in log.channels] == [str(tmp_path / "log" / "good.log")]


def test_without_logger_conf_the_console_shows_what_matters(log: Log) -> None:
    shown: list[str] = []

    class Watching:
        verbosity = 1

        def show(self, message: Message, date: str) -> None:
            shown.append(message.text)

    log.configure(None)
    log.attach(Watching())
    say(levels.NOTICE, "noted")
    say(levels.DTMF, "digit")
    levels.verbose(1, "one")
    levels.verbose(2, "two")
    assert shown == ["noted", "one"]


def test_the_queue_log_has_its_own_file(log: Log, tmp_path: Path) -> None:
    log.configure(loads("[logfiles]\n"))
    log.queue_log(1700000000.9, "1.1", "support", "Local/7", "CONNECT", "3", "1.2")
    log.flush()
    assert (tmp_path / "log" / "queue_log").read_text() == "1700000000|1.1|support|Local/7|CONNECT|3|1.2\n"


def test_a_full_disk_is_told_and_the_file_is_tried_again_at_a_reload(log: Log) -> None:
    told: list[LogChannelChanged] = []
    log.on_channel = told.append
    conf = loads("[logfiles]\nall.log => notice\n", "logger.conf")
    log.configure(conf)
    (channel,) = log.channels
    channel.close()
    channel._file = open("/dev/full", "w")  # noqa: SIM115
    say(levels.NOTICE, "one")
    log.flush()
    say(levels.NOTICE, "two")
    log.flush()
    assert told == [LogChannelChanged(channel.name, "28 - No space left on device")]
    log.configure(conf)
    assert told[1:] == [LogChannelChanged(channel.name)]
    say(levels.NOTICE, "three")
    log.flush()
    assert lines(Path(channel.name))[-1].endswith("three")
