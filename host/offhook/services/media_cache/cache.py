"""What has been fetched, how long it is fresh, and where it lies; known again after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import hashlib
import logging
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from offhook.media.formats import format_for_extension
from offhook.outside import outside
from offhook.services.media_cache.terms import PREFIX, CannotFetch, Fetched, Terms

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

FAMILY = "MediaCache"
FRESH_UNTIL = "__actual_expires"
LONGEST_FRESH_S = 2**31
"""What is said to be fresh for longer is so for that long (RFC 9111 1.2.2)."""
TYPES = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav;codec=pcm;bit=16;rate=8000": "wav",
    "audio/x-wav;codec=pcm;bit=16;rate=16000": "wav16",
    "audio/gsm": "gsm",
    "audio/basic": "ulaw",
    "audio/x-vox": "vox",
}
"""Extensions by media type."""


@dataclass(slots=True)
class Entry:
    """One file: its URI, where it lies, and what its server said about it."""

    uri: str
    path: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def bare(self) -> str:
        """The path without its extension, as prompts are named."""
        return os.path.splitext(self.path)[0]


class MediaCache:
    """The files of all web servers."""

    def __init__(self, pbx: Pbx, folder: str) -> None:
        self.pbx = pbx
        self.folder = folder
        self.terms = Terms()
        self.entries: dict[str, Entry] = {}
        self._fetching: dict[str, asyncio.Task[Entry | CannotFetch]] = {}

    # ---- across restarts ----------------------------------------------------------------------------

    def recall(self) -> None:
        """Know again what was fetched before, as far as it is still there."""
        database = self.pbx.astdb
        for key, digest in database.tree(FAMILY):
            uri = key.removeprefix(f"/{FAMILY}/")
            kept = {name.rpartition("/")[2]: value for name, value in database.tree(digest)}
            path = kept.pop("path", "")
            if path and os.access(path, os.R_OK):
                self.entries[uri] = Entry(uri, path, kept)
            else:
                database.delete(FAMILY, uri)
                database.delete_tree(digest)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what was being fetched when the program ended, and what nobody knows any more."""
        known = {entry.path for entry in self.entries.values()}
        for path in glob.glob(os.path.join(glob.escape(self.folder), f"{PREFIX}*")):
            if path not in known:
                with contextlib.suppress(OSError):
                    os.unlink(path)

    def _remember(self, entry: Entry) -> None:
        self.entries[entry.uri] = entry
        digest = hashlib.sha1(entry.uri.encode("utf-8", "surrogateescape")).hexdigest()
        self.pbx.astdb.put(FAMILY, entry.uri, digest)
        for name, value in (("path", entry.path), *entry.metadata.items()):
            self.pbx.astdb.put(digest, name, value)

    def delete(self, uri: str) -> bool:
        """Give a file up; False when it is not known."""
        entry = self.entries.pop(uri, None)
        if entry is None:
            return False
        digest = self.pbx.astdb.get(FAMILY, uri)
        self.pbx.astdb.delete(FAMILY, uri)
        if digest:
            self.pbx.astdb.delete_tree(digest)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry.path)
        return True

    def create(self, uri: str, path: str) -> None:
        """A file that lies here already stands for a URI. ValueError when it does not."""
        if not os.path.isfile(path):
            raise ValueError(f"there is no file {path}")
        self._remember(Entry(uri, path, {"ext": os.path.splitext(path)[1]}))

    # ---- what is played -----------------------------------------------------------------------------

    async def local(self, uri: str) -> str | None:
        """The name of the file here (without extension); None, and a line in the log, when it cannot be had."""
        try:
            entry = self.entries.get(uri)
            if entry is None or not await self._still_good(entry):
                entry = await self.fetch(uri)
        except CannotFetch as error:
            log.warning("%s", error)
            return None
        return entry.bare

    async def fetch(self, uri: str) -> Entry:
        """Fetch a file anew; who asks meanwhile waits for the same. Raises CannotFetch."""
        running = self._fetching.get(uri)
        if running is None:
            running = self._fetching[uri] = self.pbx.spawn(self._fetch(uri), f"fetch {uri}")
            running.add_done_callback(lambda _: self._fetching.pop(uri, None))
        entry = await asyncio.shield(running)
        if isinstance(entry, CannotFetch):
            raise CannotFetch(str(entry))
        return entry

    async def _fetch(self, uri: str) -> Entry | CannotFetch:
        """The failure is for all who wait, none of them for the task itself."""
        try:
            found = await outside(_fetched, uri, self.terms, self.folder)
        except CannotFetch as error:
            return error
        extension = extension_of(uri, found.headers.get("content-type", ""))
        self.delete(uri)
        entry = Entry(uri, found.path, found.headers | {FRESH_UNTIL: str(self.fresh_until(found.headers))})
        if extension:
            entry.path, entry.metadata["ext"] = f"{found.path}.{extension}", f".{extension}"
            os.rename(found.path, entry.path)
        self._remember(entry)
        return entry

    async def _still_good(self, entry: Entry) -> bool:
        """Whether a file may be played without being fetched again: it is fresh, or its server says that it has not
        changed. Raises CannotFetch."""
        if not os.access(entry.path, os.R_OK):
            return False
        if FRESH_UNTIL not in entry.metadata:
            return True  # made here
        control = entry.metadata.get("cache-control", "")
        checked = "no-cache" in control or "must-revalidate" in control
        if self.pbx.wall() < float(entry.metadata[FRESH_UNTIL]) and not checked:
            return True
        etag = entry.metadata.get("etag", "")
        if not etag:
            return False
        found = await outside(_fetched, entry.uri, self.terms, self.folder, etag)
        if found.status != 304:
            return False
        entry.metadata |= found.headers | {FRESH_UNTIL: str(self.fresh_until(entry.metadata | found.headers))}
        self._remember(entry)
        return True

    def fresh_until(self, headers: dict[str, str]) -> int:
        """Until when a file need not be asked about (RFC 9111 4.2), as seconds of the epoch."""
        now = int(self.pbx.wall())
        if control := headers.get("cache-control"):
            age = re.search(r"s-maxage\s*=\s*(\d+)", control) or re.search(r"max-age\s*=\s*(\d+)", control)
            return now + min(int(age[1]), LONGEST_FRESH_S) if age else now
        if expires := headers.get("expires"):
            from email.utils import parsedate_to_datetime

            with contextlib.suppress(ValueError, OverflowError, TypeError):
                return min(int(parsedate_to_datetime(expires).timestamp()), now + LONGEST_FRESH_S)
        return now


def extension_of(uri: str, content_type: str) -> str:
    """What kind of sound file it is, by its media type or else by its name; "" when neither tells."""
    whole = content_type.replace(" ", "").lower()
    for kind in (whole, whole.partition(";")[0]):
        if kind in TYPES:
            return TYPES[kind]
    named = urlsplit(uri).path.rpartition(".")[2]
    return named if format_for_extension(named) is not None else ""


def _fetched(uri: str, terms: Terms, folder: str, etag: str = "") -> Fetched:
    from offhook.services.media_cache.fetching import fetch  # not before the first file: Python's client is large

    return fetch(uri, terms, folder, etag)
