"""Songs of playlists that lie on web servers: fetched at the start, and looked at again for each new listener."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from offhook.calls.events import FullyBooted
from offhook.calls.prompts import REMOTE

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)


def is_remote(song: str) -> bool:
    """Whether a playlist's entry is a URL."""
    return "://" in song


class Songs:
    """What of web servers is here. Whoever listens hears a song as it was when they began."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._here: dict[str, str] = {}
        self._asked: set[str] = set()

    def expect(self, songs: Iterable[str]) -> None:
        """Fetch songs soon: as soon as the program has started, when what fetches them is there."""
        wanted = [song for song in songs if is_remote(song)]
        if not wanted:
            return
        if self._pbx.booted:
            self._fetch(wanted)
            return

        def booted(_: FullyBooted) -> None:
            drop()
            self._fetch(wanted)

        drop = self._pbx.bus.subscribe(FullyBooted, booted)

    def here(self, songs: Iterable[str]) -> tuple[str, ...]:
        """The files of songs, those that have not come yet left out; they are looked at again for whoever is next."""
        songs = tuple(songs)
        self._fetch(song for song in songs if is_remote(song))
        files = (self._here.get(song, "") if is_remote(song) else song for song in songs)
        return tuple(filter(None, files))

    def _fetch(self, songs: Iterable[str]) -> None:
        for song in songs:
            if song not in self._asked:
                self._asked.add(song)
                self._pbx.spawn(self._look(song), f"music {song}")

    async def _look(self, song: str) -> None:
        try:
            remote = self._pbx.parts.get(REMOTE)
            if remote is None:
                log.warning("music on hold: %s cannot be fetched; is res_http_media_cache loaded?", song)
                return
            name = await remote.local(song)
            prompt = self._pbx.prompts.find(name) if name is not None else None
            if prompt is not None:
                self._here[song] = prompt.path
            elif name is not None:
                log.warning("music on hold: %s is in no format that can be played", song)
        finally:
            self._asked.discard(song)
