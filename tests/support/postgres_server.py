"""A PostgreSQL server of Debian's, started for a test in a folder of its own, reached by a socket there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

_UNPRIVILEGED = "nobody"
"""Whom the server runs as where the tests run as root, which it refuses."""
_START_S = 30


class PostgresServer:
    """One server. ``stop`` ends it in order, ``kill`` as a power cut does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = _UNPRIVILEGED if os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(mode=0o755)
        if self.user:
            shutil.chown(folder, self.user)
        self._run("initdb", "-D", str(folder / "data"), "-U", "offhook", "-A", "trust", "--no-sync")

    @staticmethod
    def _program(name: str) -> str:
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        assert found, "PostgreSQL's server is not installed: apt-get install postgresql"
        return str(found[-1])

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._program(name), *arguments], user=self.user, cwd="/", capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        command = [self._program("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        command += ["-c", "listen_addresses=", "-c", "fsync=on", "-c", "shared_buffers=2MB"]
        self._process = subprocess.Popen(
            command, user=self.user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.connect().close()
                return
            except self.driver().OperationalError:
                assert self._process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)

    @staticmethod
    def driver() -> Any:
        """psycopg."""
        import psycopg

        return psycopg

    def connect(self) -> Any:
        """A connection of the test's own."""
        return self.driver().connect(host=str(self.folder), dbname="postgres", user="offhook", autocommit=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.connect() as connection:
            found = connection.execute(query)
            return list(found.fetchall()) if found.description else []

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it in order."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Stop it at once, as a power cut does; its next start recovers."""
        self._end(signal.SIGQUIT)
