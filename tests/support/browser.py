"""A page in a headless Chromium, and what it reports by POST to /report/NAME."""

from __future__ import annotations

import http.server
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--ignore-certificate-errors",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


class Browser:
    """Serves folders (``{"": FOLDER, "sip.js": FOLDER}``) on localhost and shows one page of them."""

    def __init__(self, folders: dict[str, Path], profile: Path, microphone: Path) -> None:
        self.reports: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.log = profile / "browser.log"
        self._profile, self._microphone = profile, microphone
        self._process: subprocess.Popen[bytes] | None = None
        browser = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            """Files in, reports out."""

            def translate_path(self, path: str) -> str:
                parts = [part for part in path.partition("?")[0].split("/") if part not in ("", ".", "..")]
                if parts and parts[0] in folders:
                    return str(folders[parts[0]].joinpath(*parts[1:]))
                return str(folders[""].joinpath(*parts))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                browser.reports.put((self.path.removeprefix("/report/"), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def open(self, page: str, **query: object) -> None:
        """Show a page."""
        url = f"http://localhost:{self._server.server_address[1]}/{page}?{urlencode(query)}"
        command = [
            CHROMIUM,
            *FLAGS,
            f"--user-data-dir={self._profile}",
            f"--use-file-for-fake-audio-capture={self._microphone}",
            url,
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def wait(self, seconds: float) -> dict[str, bytes]:
        """All reports up to the one named "done"; AssertionError when the page failed or the time is over."""
        found: dict[str, bytes] = {}
        while "done" not in found:
            try:
                name, body = self.reports.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"the page says nothing more; so far {list(found)}\n{self._tail()}") from None
            assert name != "failed", f"{body.decode()}\n{self._tail()}"
            found[name] = body
        return found

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
