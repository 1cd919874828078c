"""A small client of the manager interface."""

from __future__ import annotations

import re
import socket
import time
from types import TracebackType

from support.patience import PATIENCE_S

Message = dict[str, str]


class ManagerClient:
    """Blocking; keeps the events that come in between, in order, in ``events``."""

    def __init__(self, host: str, port: int, user: str, secret: str, *, events: str = "on") -> None:
        self.socket = socket.create_connection((host, port), 10)
        self.buffer = b""
        self.events: list[Message] = []
        self.number = 0
        self.banner = self._line()
        self.action("Login", Username=user, Secret=secret, Events=events)

    def __enter__(self) -> ManagerClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def action(self, name: str, timeout: float = PATIENCE_S, **headers: str | list[str]) -> Message:
        """Carry out an action; its response. Raises AssertionError when that is an error."""
        response = self.try_action(name, timeout, **headers)
        assert response["Response"] != "Error", f"{name}: {response.get('Message')}"
        return response

    def try_action(self, name: str, timeout: float = PATIENCE_S, **headers: str | list[str]) -> Message:
        """Carry out an action; its response, whatever it is. A list value repeats its header."""
        self.number += 1
        mine = str(self.number)
        lines = [f"Action: {name}", f"ActionID: {mine}"]
        for key, value in headers.items():
            lines += [f"{key}: {item}" for item in (value if isinstance(value, list) else [value])]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        deadline = time.monotonic() + timeout
        while True:
            message = self._message(deadline)
            if "Response" in message and message.get("ActionID") == mine:
                return message
            self.events.append(message)

    def listed(self, name: str, timeout: float = PATIENCE_S, **headers: str) -> list[Message]:
        """Carry out an action that answers with a list; the events of the list without the last."""
        response = self.action(name, timeout, **headers)
        mine = response["ActionID"]
        found: list[Message] = []
        deadline = time.monotonic() + timeout
        while True:
            message = self._message(deadline)
            if message.get("ActionID") != mine:
                self.events.append(message)
            elif message.get("EventList") in ("Complete", "cancelled"):
                return found
            else:
                found.append(message)

    def wait_for(self, event: str, timeout: float = PATIENCE_S, **headers: str) -> Message:
        """The next event whose name and headers match these regular expressions; earlier events are dropped."""
        deadline = time.monotonic() + timeout
        seen = []
        while True:
            message = self.events.pop(0) if self.events else self._message(deadline, f"{event} {headers}; saw {seen}")
            seen.append(message.get("Event", "?"))
            if re.fullmatch(event, message.get("Event", "")) and all(
                re.fullmatch(pattern, message.get(header, "")) for header, pattern in headers.items()
            ):
                return message

    def _message(self, deadline: float, wanted: str = "a response") -> Message:
        message: Message = {}
        while True:
            line = self._line(deadline, wanted)
            if not line:
                if message:
                    return message
                continue
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            message[key] = f"{message[key]}\n{value}" if key in message else value

    def _line(self, deadline: float | None = None, wanted: str = "the banner") -> str:
        while b"\r\n" not in self.buffer:
            left = 10.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"the manager interface did not send {wanted}")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            if not data:
                raise AssertionError("the manager interface closed the connection")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode(errors="replace")
