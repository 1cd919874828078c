"""The events bus: synchronous, typed, and free when nobody listens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

log = logging.getLogger(__name__)
E = TypeVar("E")
P = ParamSpec("P")
Listener = Callable[[Any], None]


class Bus:
    """Delivers each event to the listeners of its class and to those of every event, in order of subscription.

    Delivery happens inside ``publish``: a listener sees channels and bridges exactly as they are at that
    moment, so events carry references and no snapshots. A listener that raises is logged and the others go on.
    """

    __slots__ = ("_all", "_by_type", "wants")

    def __init__(self) -> None:
        self._by_type: dict[type, tuple[Listener, ...]] = {}
        self._all: tuple[Listener, ...] = ()
        self.wants: Callable[[type], bool] = self._by_type.__contains__
        """Whether anybody would see an event of a class: ask before building an expensive one."""

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Call listener for each event of exactly this class; returns the call that ends it."""
        self._by_type[kind] = (*self._by_type.get(kind, ()), listener)
        return lambda: self._drop(kind, listener)

    def subscribe_all(self, listener: Listener) -> Callable[[], None]:
        """Call listener for every event; returns the call that ends it."""
        self._all = (*self._all, listener)
        self.wants = _everything

        def drop() -> None:
            self._all = tuple(entry for entry in self._all if entry is not listener)
            if not self._all:
                self.wants = self._by_type.__contains__

        return drop

    def _drop(self, kind: type, listener: Listener) -> None:
        rest = tuple(entry for entry in self._by_type.get(kind, ()) if entry is not listener)
        if rest:
            self._by_type[kind] = rest
        else:
            self._by_type.pop(kind, None)

    def tell(self, kind: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Publish an event of a class, which is made only when anybody wants to see it."""
        if self.wants(kind):  # type: ignore[arg-type]
            self.publish(kind(*args, **kwargs))

    def publish(self, event: object) -> None:
        """Deliver an event now."""
        for listener in self._by_type.get(type(event), ()):
            try:
                listener(event)
            except Exception:
                log.exception("listener failed on %s", type(event).__name__)
        for listener in self._all:
            try:
                listener(event)
            except Exception:
                log.exception("listener failed on %s", type(event).__name__)


def _everything(kind: type) -> bool:
    return True
