"""Passwords and keys of entries: from iax.conf, from the database, from the key folder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offhook.iax.proof import Credentials, Expectation

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.iax.reading import Entry

log = logging.getLogger(__name__)
_KEYS = "keys"
"""Where ``pbx.parts`` has what res_crypto read."""


def secret_of(pbx: Pbx, entry: Entry) -> str:
    """An entry's password."""
    place = str(entry["dbsecret"])
    if not place:
        return str(entry["secret"])
    family, _, key = place.partition("/")
    found = pbx.astdb.get(family, key) if key else None
    if found is None:
        log.warning("Unable to retrieve database password for family/key '%s'!", place)
    return found or ""


def key_named(pbx: Pbx, name: str, *, private: bool) -> Any:
    """A key that res_crypto has; None, with a line in the log, when there is none."""
    for each in pbx.parts.get(_KEYS, ()):
        if each.name == name and each.private is private and each.key is not None:
            return each.key
    kind = "private" if private else "public"
    log.warning("there is no %s key %s (res_crypto reads the key folder)", kind, name)
    return None


def expectation_of(pbx: Pbx, entry: Entry) -> Expectation:
    """What an entry has to prove."""
    names = [name for name in str(entry["inkeys"]).split(":") if name]
    keys = [key_named(pbx, name, private=False) for name in names]
    return Expectation(entry.methods, secret_of(pbx, entry), tuple(key for key in keys if key is not None))


def credentials(pbx: Pbx, username: str, secret: str, key: str) -> Credentials:
    """What we prove ourselves by."""
    return Credentials(username, secret, key_named(pbx, key, private=True) if key else None)
