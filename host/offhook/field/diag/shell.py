"""The login shell of the account diag: takes one verb (or asks for verbs at a terminal) and nothing else.

It starts no other program but the updater, understands no quotes, variables or redirections, and passes nothing on but
what ``verbs.parse`` let through. sshd calls it as the user's shell with "-c LINE", or by ForceCommand.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from offhook.config.paths import Paths
from offhook.control.cli.protocol import END, OUTPUT, RUN, Frames, ProtocolError, frame
from offhook.control.cli.remote import connect
from offhook.field.diag.verbs import Verb, VerbError, parse, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = "offhook-diag"
UPDATER: Final = "/usr/lib/offhook/bin/update"
"""Takes a signed bundle on its standard input; part of the image, not of this program."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the login asks; the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    config = ""
    if given[:1] == ["-C"] and len(given) >= 2:  # by the administrator in sshd_config, never by the login
        config, given = given[1], given[2:]
    line = os.environ.get("SSH_ORIGINAL_COMMAND")
    if line is None and len(given) == 2 and given[0] == "-c":
        line = given[1] if _asked(given[1]) else None
    path = _socket(config)
    if line is not None:
        return answer(line, path)
    if not sys.stdin.isatty():
        sys.stdout.write(usage())
        return 2
    return _converse(path)


def _asked(line: str) -> bool:
    """Whether the login asks for it; by ForceCommand sshd has this program start itself when nothing is asked for."""
    return line.split(" ")[0].rpartition("/")[2] != PROGRAM


def _socket(config: str) -> str:
    """Where the daemon is reached, by asterisk.conf."""
    from offhook.config.parser import load

    paths = Paths(config)
    with suppress(OSError):
        paths.read(load(paths.config_file))
    return paths.socket


def _converse(path: str) -> int:
    """Verbs one after the other, at a terminal."""
    sys.stdout.write(usage() + "\nend with exit\n")
    while True:
        sys.stdout.write("diag> ")
        sys.stdout.flush()
        try:
            line = sys.stdin.readline(1000)
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            continue
        if not line or line.strip() in ("exit", "quit", "logout"):
            return 0
        if line.strip() in ("help", "?"):
            sys.stdout.write(usage())
        elif line.strip():
            answer(line.strip(), path, terminal=True)


def answer(line: str, path: str, *, terminal: bool = False) -> int:
    """Carry out one line; the exit status: 0 done, 1 failed, 2 no verb."""
    try:
        verb, arguments = parse(line)
    except VerbError as error:
        print(error, file=sys.stderr)
        if not terminal:
            print(usage(), end="", file=sys.stderr)
        return 2
    if verb.takes:
        return _update()
    if verb.binary and (terminal or sys.stdout.isatty()):
        print(f"That is a file: ssh diag@box {verb.usage}", file=sys.stderr)
        return 2
    channel = connect(path)
    if channel is None:
        print("The exchange does not run.", file=sys.stderr)
        return 1
    try:
        with channel:
            return _relay(channel, verb, arguments)
    except (OSError, ProtocolError) as error:
        print(f"The connection to the exchange broke: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _relay(channel: socket.socket, verb: Verb, arguments: list[str]) -> int:
    """Ask the daemon and pass on what it says."""
    words = [f'"{word}"' for word in arguments]
    channel.sendall(frame(RUN, " ".join(("diag", verb.name, *words, *(["-"] if verb.binary else [])))))
    out = sys.stdout.buffer
    failed = 1
    for text in _answers(channel):
        if text.startswith("\0"):
            failed = 0 if text == "\0000" else 1
        elif verb.binary and not text.startswith("diag: "):
            out.write(base64.b64decode(text))
        else:
            (sys.stderr.buffer if verb.binary else out).write(text.encode("utf-8", "replace"))
        out.flush()
    return failed


def _answers(channel: socket.socket) -> Iterator[str]:
    """Pieces of the answer as they come; the last one is a zero and the result."""
    frames = Frames()
    while data := channel.recv(65536):
        for letter, body in frames.feed(data):
            if letter == OUTPUT:
                yield body
            elif letter == END:
                yield f"\0{body}"
                return


def _update() -> int:
    if not os.access(UPDATER, os.X_OK):
        print("This box has no update slots: it was not installed from an image.", file=sys.stderr)
        return 1
    return subprocess.run([UPDATER], stdin=sys.stdin.buffer, env={"PATH": "/usr/sbin:/usr/bin"}, check=False).returncode
