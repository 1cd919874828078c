"""Channel and global variables: the newest first, names case-sensitive, with inheritance and shadowing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping


class _Shadowed:
    """Stands in for the name of an assignment that a newer one of the same name hides."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Variables:
    """Variables in Asterisk's order: what was assigned last comes first.

    ``_X`` is inherited by channels that this one creates, ``__X`` by theirs as well; reading knows the name
    without the underscores. ``push`` hides an older value of the same name until ``pop`` brings it back:
    that is how subroutine arguments and LOCAL() work.
    """

    __slots__ = ("_hidden", "_marks", "_promised", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        """Visible values by name, oldest first. Compiled templates read it (``get`` knows of promises too); only this
        class writes it."""
        self._hidden: dict[str, list[_Shadowed]] = {}
        self._marks: dict[object, str] = {}
        self._promised: dict[str, Callable[[str], str]] = {}

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value, or the default."""
        if name in self._promised:
            self._keep(name)
        return self.values.get(name, default)

    def promise(self, names: Iterable[str], work_out: Callable[[str], str]) -> None:
        """Assign what is worked out from the name when somebody first reads it; names that have a value keep theirs."""
        known = self.values
        self._promised = dict.fromkeys([name for name in names if name not in known], work_out) | self._promised

    def _keep(self, *names: str) -> None:
        """Work out promised values."""
        for name in names:
            work_out = self._promised.pop(name, None)
            if work_out is not None:
                self.values[name] = work_out(name)

    def set(self, name: str, value: str) -> None:
        """Assign. Underscores in front mark for inheritance."""
        values = self.values
        if self._marks or name[:1] == "_":
            name, mark = _bare(name)
            self._mark(name, mark)
        if self._promised:
            self._promised.pop(name, None)
        if name in values:
            del values[name]
        values[name] = value

    def update(self, values: Mapping[str, str]) -> None:
        """Assign several, in their order."""
        for name, value in values.items():
            self.set(name, value)

    def push(self, name: str, value: str) -> None:
        """Assign without losing the value that the name has now."""
        bare, mark = _bare(name)
        self._keep(bare)
        if bare in self.values:
            shadow = _Shadowed(bare)
            self._rekey(bare, shadow)
            self._hidden.setdefault(bare, []).append(shadow)
        self.values[bare] = value
        self._mark(bare, mark)

    def pop(self, name: str) -> str | None:
        """Remove the newest value of a name and return it; an older one that it hid is visible again."""
        bare, _ = _bare(name)
        self._keep(bare)
        old = self.values.pop(bare, None)
        self._marks.pop(bare, None)
        shadows = self._hidden.get(bare)
        if shadows:
            shadow = shadows.pop()
            if not shadows:
                del self._hidden[bare]
            self._rekey(shadow, bare)
        return old

    def clear(self) -> None:
        """Forget everything."""
        self.values.clear()
        self._hidden.clear()
        self._marks.clear()
        self._promised.clear()

    def inherited(self) -> Iterator[tuple[str, str]]:
        """What a new channel takes over, oldest first: ``_X`` as ``X``, ``__X`` as ``__X``."""
        for key, mark in list(self._marks.items()):
            if isinstance(key, str):
                yield (f"__{key}" if mark == "__" else key), self.values[key]

    def items(self) -> Iterator[tuple[str, str]]:
        """Names and values as dumps show them: newest first, hidden ones too, underscores left out."""
        self._keep(*self._promised)
        for key in reversed(list(self.values)):
            yield (key if isinstance(key, str) else key.name), self.values[key]

    def written(self) -> Iterator[tuple[str, str]]:
        """Like ``items`` with the underscores that mark inheritance."""
        self._keep(*self._promised)
        for key in reversed(list(self.values)):
            name = key if isinstance(key, str) else key.name
            yield self._marks.get(key, "") + name, self.values[key]

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self._promised

    def __len__(self) -> int:
        return len(self.values) + len(self._promised)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items())

    def _mark(self, bare: str, mark: str) -> None:
        self._marks.pop(bare, None)
        if mark:
            self._marks[bare] = mark

    def _rekey(self, old: object, new: object) -> None:
        """Give an entry another key without moving it."""
        entries = list(self.values.items())
        self.values.clear()
        for key, value in entries:
            self.values[new if key is old or key == old else key] = value  # type: ignore[index]
        if old in self._marks:
            self._marks[new] = self._marks.pop(old)


def _bare(name: str) -> tuple[str, str]:
    """The name without its inheritance marks, and the marks."""
    if name[:1] != "_":
        return name, ""
    return (name[2:], "__") if name[1:2] == "_" else (name[1:], "_")
