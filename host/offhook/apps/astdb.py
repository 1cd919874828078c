"""DBdel and DBdeltree: entries of the database are deleted."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel
from offhook.log import verbose
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_db", "Database Access Functions")


@module.application("DBdel", Syntax("family/key"), see_also=("DBdeltree", "DB_DELETE"), raw=True)
def db_del(channel: Channel, text: str = "") -> None:
    """Delete a key of the database."""
    family, _, key = text.partition("/")
    if not family or not key:
        log.debug("%s: DBdel(%s): write family/key", channel.name, text)
        return
    verbose(3, "DBdel: family=%s, key=%s", family, key)
    channel.pbx.astdb.delete(family, key)


@module.application("DBdeltree", Syntax("family[/keytree]"), see_also=("DBdel", "DB_DELETE"), raw=True)
def db_del_tree(channel: Channel, text: str = "") -> None:
    """Delete a family of the database, or of it what begins with a key."""
    family, _, tree = text.partition("/")
    if not family:
        log.debug("%s: DBdeltree needs a family", channel.name)
        return
    verbose(3, "DBdeltree: family=%s%s", family, f", keytree={tree}" if tree else "")
    channel.pbx.astdb.delete_tree(family, tree)
