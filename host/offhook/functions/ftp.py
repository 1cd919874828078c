"""FTP for CURL: Python's client, within the bounds of offhook.fetching."""

from __future__ import annotations

import ftplib
import io
import socket
import urllib.request
from typing import Any, Final

from offhook.fetching import Deadline

_MOST_LINES: Final = 1000
"""Of all that a server says beside the file."""


class Ftp(urllib.request.FTPHandler):
    """Opens ftp:// URLs."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def connect_ftp(self, *where: Any) -> Any:
        return _Transfer(self._deadline, *where)


class _Transfer(urllib.request.ftpwrapper):
    def __init__(self, deadline: Deadline, *where: Any) -> None:
        self._deadline = deadline
        super().__init__(*where)
        told: Any = self
        told.keepalive = False  # the connection ends with the file

    def init(self) -> None:
        told: Any = self  # what it has is not declared
        told.busy = 0
        told.ftp = _Client(self._deadline)
        told.ftp.connect(told.host, told.port)
        told.ftp.login(told.user, told.passwd)
        told.ftp.cwd("/".join(told.dirs))


class _Client(ftplib.FTP):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline
        self._lines = 0

    def connect(self, host: str = "", port: int = 0, *_: Any, **__: Any) -> str:
        self.host, self.port = host, port
        self.sock = self._deadline.connect((host, port))
        self.af = self.sock.family
        self.file = io.TextIOWrapper(self._deadline.reader(self.sock), encoding=self.encoding)
        self.welcome: str = self.getresp()
        return self.welcome

    def getline(self) -> str:
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise ftplib.error_proto(f"more than {_MOST_LINES} lines")
        return super().getline()

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[Any, int | None]:
        self.timeout = self._deadline.left()
        connection, size = super().ntransfercmd(cmd, rest)
        return _File(connection, self._deadline), size


class _File:
    """The connection that a file comes over."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline

    def makefile(self, _: str) -> io.BufferedReader:
        return self._deadline.reader(self._connection)

    def close(self) -> None:
        self._connection.close()
