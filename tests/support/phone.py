"""A phone on a test's desk: drives pjsua_phone.py, a real SIP client in a process of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from support.patience import PATIENCE_S

PROGRAM = Path(__file__).with_name("pjsua_phone.py")


class Phone:
    """A SIP phone in a process of its own."""

    def __init__(
        self,
        user: str,
        secret: str,
        server: str,
        *,
        transport: str = "udp",
        codec: str = "PCMU",
        srtp: str = "",
    ) -> None:
        """``srtp``: "sdes" insists on encryption by such keys."""
        self.user, self.secret, self.server = user, secret, server
        self.transport, self.codec = transport, codec
        self.srtp = srtp
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("PHONE_LOG") else subprocess.DEVNULL,
        )
        self.happened: list[dict[str, Any]] = []
        self.buffer = b""
        self.wait("ready")

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self) -> Phone:
        """Register; AssertionError when the registrar refuses."""
        answer = self.register()
        assert answer["code"] == 200 and answer["active"], f"{self.user}: the registrar answered {answer}"
        return self

    def register(self, expires: int = 300) -> dict[str, Any]:
        """Open the transport and register; what the registrar answered."""
        self.do(
            "start",
            transport=self.transport,
            user=self.user,
            secret=self.secret,
            server=self.server,
            codec=self.codec,
            expires=expires,
            srtp=self.srtp,
        )
        return self.wait("registration")

    def files(self, play: Path | None, record: Path | None) -> Phone:
        """Name what the next call says and where it is recorded."""
        self.do("files", play=str(play or ""), record=str(record or ""))
        return self

    def call(self, number: str) -> Phone:
        """Call a number at the server; does not wait for the answer."""
        self.do("call", uri=f"sip:{number}@{self.server}{';transport=tcp' if self.transport == 'tcp' else ''}")
        return self

    def do(self, command: str, **arguments: Any) -> None:
        """Carry out a command of pjsua_phone.py."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        done = self.wait(("done", "error"), 15, command=command)
        assert done["what"] == "done", f"{self.user}: {command}: {done.get('reason')}"

    def wait(self, what: str | tuple[str, ...], timeout: float = PATIENCE_S, **values: Any) -> dict[str, Any]:
        """The next happening of that kind with these values; it and nothing else is taken out of what happened."""
        kinds = (what,) if isinstance(what, str) else what
        deadline = time.monotonic() + timeout
        checked = 0
        while True:
            for index in range(checked, len(self.happened)):
                event = self.happened[index]
                if event["what"] in kinds and all(event.get(key) == value for key, value in values.items()):
                    return self.happened.pop(index)
            checked = len(self.happened)
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{self.user}: no {what} {values or ''}; what happened: {self.happened}")

    def wait_state(self, state: str, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """The next time that the call is CALLING, EARLY, CONFIRMED, DISCONNECTED (pjsua's words)."""
        return self.wait("state", timeout, state=state)

    def pause(self, seconds: float) -> None:
        """Let the call go on for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def hang_up(self) -> None:
        """End the call and wait until it has ended."""
        self.do("hang_up")
        self.wait_state("DISCONNECTED")

    def _read(self, seconds: float) -> bool:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        if not select.select([descriptor], [], [], seconds)[0]:
            return False
        data = os.read(descriptor, 65536)
        if not data:
            raise AssertionError(f"{self.user}: the phone's process ended with {self.process.wait()}")
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        self.happened += [json.loads(line) for line in lines if line.startswith(b"{")]
        return True

    def close(self) -> None:
        """Unregister and end; only then is what it heard complete in its file."""
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
