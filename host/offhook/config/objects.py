"""Objects out of configuration: ``[alice]`` with ``type = endpoint`` is the endpoint alice.

Several sections of one name are different objects when their types differ. Objects can also be made, changed and
taken away while running (as ARI's push configuration does); those come and go without touching the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from offhook.config.model import ConfigError, ConfigFile, Entry, Section
from offhook.config.options import Schema, Type


class Object:
    """One object: its type, its name and its typed values."""

    __slots__ = ("id", "pushed", "type", "values", "written")

    def __init__(
        self, kind: Type, name: str, values: dict[str, Any], written: list[tuple[str, str]], pushed: bool
    ) -> None:
        self.type = kind
        self.id = name
        self.values = values
        self.written = written
        """The names and texts it was made from, in order."""
        self.pushed = pushed
        """Made while running, not by the file."""

    def __getitem__(self, option: str) -> Any:
        return self.values[option]

    def shown(self) -> dict[str, str]:
        """Every option with its value as text."""
        out = {}
        for option in self.type:
            value = self.values[option.name]
            if option.many:
                out[option.name] = ",".join(option.kind.show(one) for one in value)
            else:
                out[option.name] = "" if value is None else option.kind.show(value)
        return out

    def __repr__(self) -> str:
        return f"<{self.type.name} {self.id}>"


class UnknownObjectError(KeyError):
    """There is no such type, or no object of that type and name."""


Observer = Callable[[str, Object], None]
"""("created", "updated" or "deleted", object)."""


class Objects:
    """All objects of one schema, by type and name."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._types = {kind.name: kind for kind in schema.types}
        self._objects: dict[str, dict[str, Object]] = {name: {} for name in self._types}
        self.observers: list[Observer] = []

    # ---- from the file ------------------------------------------------------------------------------

    def load(self, config: ConfigFile, *, default_type: str = "") -> list[ConfigError]:
        """Take the objects of a file in place of those it gave before; what is wrong with it.

        Observers hear what came, changed and went. Objects pushed while running stay, and win over the file's.
        """
        errors = list(config.errors)
        fresh: dict[str, dict[str, Object]] = {name: {} for name in self._types}
        for section in config:
            name = section.get("type", default_type) or ""
            kind = self._types.get(name)
            if kind is None:
                known = ", ".join(self._types)
                what = f'type "{name}" is unknown' if name else "there is no type"
                errors.append(
                    ConfigError(section.file, section.line, f"[{section.name}]: {what}; write type = {known}")
                )
                continue
            if section.name in fresh[name]:
                errors.append(
                    ConfigError(
                        section.file, section.line, f"[{section.name}] of type {name} stands here a second time"
                    )
                )
                continue
            fresh[name][section.name] = self._make(kind, section.name, _without_type(section), errors, pushed=False)
        for name, objects in fresh.items():
            self._exchange(name, objects)
        return errors

    def _exchange(self, name: str, fresh: dict[str, Object]) -> None:
        present = self._objects[name]
        for key, old in list(present.items()):
            if not old.pushed and key not in fresh:
                del present[key]
                self._tell("deleted", old)
        for key, new in fresh.items():
            old_one = present.get(key)
            if old_one is not None and (old_one.pushed or old_one.written == new.written):
                continue
            present[key] = new
            self._tell("updated" if old_one else "created", new)

    def _make(self, kind: Type, name: str, entries: list[Entry], errors: list[ConfigError], *, pushed: bool) -> Object:
        values = kind.apply(entries, errors)
        return Object(kind, name, values, [(entry.name, entry.value) for entry in entries], pushed)

    def _tell(self, what: str, thing: Object) -> None:
        for observer in self.observers:
            observer(what, thing)

    # ---- looking ------------------------------------------------------------------------------------

    def get(self, kind: str, name: str) -> Object | None:
        """The object of that type and name, or None."""
        return self._objects.get(kind, {}).get(name)

    def all(self, kind: str) -> Iterator[Object]:
        """Every object of a type, sorted by name."""
        objects = self._objects.get(kind, {})
        return iter([objects[name] for name in sorted(objects)])

    # ---- while running ------------------------------------------------------------------------------

    def push(self, kind: str, name: str, fields: Iterable[tuple[str, str]]) -> Object:
        """Make an object, or give one new values throughout. Raises UnknownObjectError for the type, ConfigError."""
        if kind not in self._types:
            raise UnknownObjectError(kind)
        errors: list[ConfigError] = []
        entries = [Entry(field, value) for field, value in fields]
        made = self._make(self._types[kind], name, entries, errors, pushed=True)
        if errors:
            raise errors[0]
        known = name in self._objects[kind]
        self._objects[kind][name] = made
        self._tell("updated" if known else "created", made)
        return made

    def change(self, kind: str, name: str, fields: Mapping[str, str]) -> Object:
        """Change some values of an object. Raises UnknownObjectError, ConfigError."""
        present = self.get(kind, name)
        if present is None:
            raise UnknownObjectError(name)
        changed = {field.lower() for field in fields}
        kept = [(field, value) for field, value in present.written if field.lower() not in changed]
        return self.push(kind, name, [*kept, *fields.items()])

    def delete(self, kind: str, name: str) -> Object:
        """Take an object away. Raises UnknownObjectError."""
        present = self._objects.get(kind, {}).pop(name, None)
        if present is None:
            raise UnknownObjectError(name)
        self._tell("deleted", present)
        return present


def _without_type(section: Section) -> list[Entry]:
    return [entry for entry in section if entry.name.lower() != "type"]
