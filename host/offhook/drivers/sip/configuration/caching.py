"""Memory caches of sorcery.conf: what was read of a table is good for as long as they say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from offhook.config.model import TRUE_WORDS, ConfigError, ConfigFile

MODULE: Final = "res_pjsip"
_NUMBERS: Final = ("maximum_objects", "object_lifetime_maximum", "object_lifetime_stale")
_FLAGS: Final = ("expire_on_reload", "full_backend_cache")


class MemoryCache:
    """Which rows of a type need no reading: names by when they were read."""

    def __init__(self, name: str, kind: str, options: Iterable[tuple[str, str]] = ()) -> None:
        """Raises ValueError, a sentence, for options that cannot be."""
        self.name = name
        self.kind = kind
        self.most = 0
        self.lifetime_s = 0
        self.stale_s = 0
        self.expire_on_reload = False
        self.full = False
        """What is not there is not in the table either, unless there is nothing at all."""
        self._take({option.strip().lower(): value.strip() for option, value in options})
        self._read: dict[str, float] = {}
        self._stale: set[str] = set()
        self.refreshing: set[str] = set()

    def _take(self, options: dict[str, str]) -> None:
        if "name" in options:
            self.name = options.pop("name")
            if not self.name:
                raise ValueError("a memory cache needs a name after name=")
        for option in _NUMBERS:
            if not options.get(option, "0").isdecimal():
                raise ValueError(f"{option} of a memory cache is a number, not {options[option]!r}")
        self.most, self.lifetime_s, self.stale_s = (int(options.pop(option, "0")) for option in _NUMBERS)
        self.expire_on_reload, self.full = (options.pop(option, "").lower() in TRUE_WORDS for option in _FLAGS)
        for option in options:
            raise ValueError(f'a memory cache has no option "{option}"')

    # ---- what is known ------------------------------------------------------------------------------

    def names(self, now: float) -> list[str]:
        """What it holds, oldest first."""
        self._expire(now)
        return list(self._read)

    def holds(self, name: str, now: float) -> bool:
        """Whether what is known of a name is good, its absence too."""
        self._expire(now)
        return name in self._read or (self.full and bool(self._read))

    def is_stale(self, name: str, now: float) -> bool:
        """Whether what is held is to be read again soon."""
        if not self.stale_s:
            return False
        if self.full:
            oldest = next(iter(self._read), name)
            return oldest in self._stale or name in self._stale or now - self._read.get(oldest, now) >= self.stale_s
        return name in self._stale or now - self._read.get(name, now) >= self.stale_s

    def stale_in(self, name: str, now: float) -> int:
        """Seconds until that."""
        return max(0, round(self._read[name] + self.stale_s - now)) if name not in self._stale else 0

    def expires_in(self, name: str, now: float) -> int:
        """Seconds until it is held no longer."""
        return max(0, round(self._read[name] + self.lifetime_s - now))

    def _expire(self, now: float) -> None:
        while self.lifetime_s and self._read:
            oldest = next(iter(self._read))
            if now - self._read[oldest] < self.lifetime_s:
                return
            if self.full:
                self.clear()
                return
            self.drop(oldest)

    # ---- what becomes known -------------------------------------------------------------------------

    def keep(self, name: str, now: float) -> None:
        """A row was read."""
        self._read.pop(name, None)
        self._stale.discard(name)
        self._read[name] = now
        while self.most and len(self._read) > self.most:
            self.drop(next(iter(self._read)))

    def fill(self, names: Iterable[str], now: float) -> None:
        """The whole table was read."""
        self.clear()
        for name in names:
            self.keep(name, now)

    def drop(self, name: str) -> bool:
        """Hold a row no longer; whether it was held."""
        self._stale.discard(name)
        return self._read.pop(name, None) is not None

    def clear(self) -> None:
        """Hold nothing."""
        self._read.clear()
        self._stale.clear()

    def make_stale(self, name: str = "") -> bool:
        """A row, or all of them, have to be read again soon; whether it is held."""
        if name and name not in self._read:
            return False
        self._stale.update([name] if name else self._read)
        return True


def read_caches(config: ConfigFile | None, errors: list[ConfigError]) -> dict[str, MemoryCache]:
    """The caches that sorcery.conf has for SIP, by type."""
    found: dict[str, MemoryCache] = {}
    for section in config or ():
        if not section.name.startswith(MODULE):
            continue
        for entry in section:
            kind, _, what = (part.strip().lower() for part in entry.name.partition("/"))
            wizard, *rest = entry.value.split(",")
            if what != "cache" or wizard.strip() != "memory_cache":
                continue
            options = [(option, value) for option, _, value in (part.partition("=") for part in rest if part.strip())]
            try:
                found[kind] = MemoryCache(f"{section.name}/{kind}", kind, options)
            except ValueError as error:
                errors.append(ConfigError(entry.file, entry.line, f"{error}; {kind} has no cache"))
    return found
