"""``-rx``: one command to a running daemon. Kept light, because scripts call it all the time."""

from __future__ import annotations

import socket
import sys

from offhook.control.cli.protocol import END, OUTPUT, RUN, Frames, ProtocolError, frame


def connect(path: str) -> socket.socket | None:
    """A connection to the control socket, or None when nobody listens there."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.connect(path)
    except OSError:
        channel.close()
        return None
    return channel


def cannot_connect(path: str) -> str:
    """What to tell when ``connect`` found nobody."""
    return f"Unable to connect to remote asterisk (does {path} exist?)"


def execute(path: str, command: str) -> int:
    """Run a command, print what it answers, and return the exit status."""
    channel = connect(path)
    if channel is None:
        print(cannot_connect(path), file=sys.stderr)
        return 1
    frames = Frames()
    with channel:
        try:
            channel.sendall(frame(RUN, command))
            while data := channel.recv(65536):
                for letter, body in frames.feed(data):
                    if letter == OUTPUT:
                        sys.stdout.buffer.write(body.encode("utf-8", "surrogateescape"))
                        sys.stdout.buffer.flush()
                    elif letter == END:
                        sys.stdout.flush()
                        return 0
        except (OSError, ProtocolError) as error:
            print(f"The connection to the daemon broke: {error}", file=sys.stderr)
            return 1
    sys.stdout.flush()
    return 0
