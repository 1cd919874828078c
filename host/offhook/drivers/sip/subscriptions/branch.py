"""The resources of a subscription: one, or a tree of them when it is to a list (RFC 4662)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offhook.drivers.sip.configuration.sections import ResourceList

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.reading import Configuration
    from offhook.drivers.sip.subscriptions.package import EventPackage, View, Watch
    from offhook.drivers.sip.subscriptions.subscription import Subscription

log = logging.getLogger(__name__)


class Branch:
    """One resource of a subscription: watched itself (a leaf), or a list of others."""

    __slots__ = (
        "body",
        "changed",
        "children",
        "display_name",
        "full_state",
        "resource",
        "subscription",
        "terminated",
        "uri",
        "version",
        "view",
        "watch",
    )

    subscription: Subscription
    """Whose it is; set when the subscription takes the tree."""
    view: View

    def __init__(self, resource: str, display_name: str = "", *, full_state: bool = False) -> None:
        self.resource = resource
        self.display_name = display_name
        self.full_state = full_state
        """For a list: whether every notification tells all its members."""
        self.children: list[Branch] = []
        self.uri = ""
        self.version = 0
        """For a list: of its next description."""
        self.watch: Watch | None = None
        self.body = b""
        self.changed = False
        """Whether ``body`` has not been notified yet."""
        self.terminated = False

    def leaves(self) -> Iterator[Branch]:
        """The watched resources of this branch."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def branches(self) -> Iterator[Branch]:
        """This branch and all below it."""
        yield self
        for child in self.children:
            yield from child.branches()

    def same_members(self, other: Branch) -> bool:
        """Whether two readings of a list name the same members."""
        return [(each.resource, each.display_name) for each in self.children] == [
            (each.resource, each.display_name) for each in other.children
        ]

    def changes(self, state: Any, *, terminate: bool = False) -> None:
        """The watched resource is in another state; with ``terminate`` it is gone."""
        if not self.terminated:
            self.subscription.resource_changed(self, state, terminate=terminate)


def grow(
    config: Configuration, package: EventPackage, endpoint: Endpoint, resource: str, *, eventlist: bool
) -> tuple[int, Branch, int]:
    """What a subscription to a resource consists of: status, tree, and the milliseconds changes are gathered for.

    A subscriber that does not say it understands lists (``eventlist``) gets the resource itself.
    """
    section = _list_of(config, resource, package.event) if eventlist else None
    if section is None:
        return package.admit(endpoint, resource), Branch(resource), 0
    root = Branch(resource, full_state=section.full_state)
    _grow_list(config, package, endpoint, section, root, {resource})
    return (200 if root.children else 500), root, section.notification_batch_interval


def _list_of(config: Configuration, resource: str, event: str) -> ResourceList | None:
    section = config.of(ResourceList).get(resource)
    if section is not None and section.event != event:
        log.warning("resource list %s is for event %s, not for %s as subscribed to", resource, section.event, event)
        return None
    return section


def _grow_list(
    config: Configuration,
    package: EventPackage,
    endpoint: Endpoint,
    section: ResourceList,
    parent: Branch,
    seen: set[str],
) -> None:
    for resource in section.list_item:
        if resource in seen:
            log.debug("%s is in list %s again; once is enough", resource, parent.resource)
            continue
        below = _list_of(config, resource, section.event)
        if below is None:
            if package.admit(endpoint, resource) != 200:
                log.debug("%s cannot be watched and is left out of list %s", resource, parent.resource)
                continue
            name = package.display_name(endpoint, resource) if section.resource_display_name else ""
            parent.children.append(Branch(resource, name))
            seen.add(resource)
            continue
        seen.add(resource)
        branch = Branch(resource, full_state=below.full_state)
        _grow_list(config, package, endpoint, below, branch, seen)
        if branch.children:
            parent.children.append(branch)
