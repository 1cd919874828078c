"""``config ...``: which files were read, reading them again, and what may stand in them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from offhook.config.options import SCHEMAS, Schema, Type
from offhook.config.samples import describe, sample
from offhook.daemon import tables
from offhook.modules import CommandError, Module, Request

module = Module("cli_configs", "Commands about configuration files")

CORE_FILES = (tables.ASTERISK, tables.LOGGER, tables.MODULES)


@module.command("config list", "Show all files that have loaded a configuration file")
def list_files(request: Request) -> None:
    """List the configuration files and the modules that read them."""
    if request.args:
        raise request.usage()
    for path, reader in sorted(request.pbx.config.loaded):
        request.print(f"{reader or 'core':<20.20} {path:<50}")


def _files(pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    return () if args else (path for path, reader in sorted(pbx.config.loaded) if reader)


@module.command(
    "config reload <file>", "Force a reload on modules using a particular configuration file", complete=_files
)
async def reload_file(request: Request) -> None:
    """Have the modules that read a file, named with its directories, read it again."""
    if len(request.args) != 1:
        raise request.usage()
    path = request.args[0]
    readers = request.pbx.config.readers(path) or request.pbx.config.readers(
        os.path.join(request.pbx.config.etc_dir, path)
    )
    for reader in readers:
        await request.pbx.loader.reload(reader)


@module.command("core show config mappings", "Display config mappings (file names to config engines)")
def show_mappings(request: Request) -> None:
    """List the files and families that a database stands in for."""
    if request.args:
        raise request.usage()
    mappings = request.pbx.config.mappings
    if not mappings:
        request.print("No config mappings found.")
    for driver in sorted({mapping.driver for mapping in mappings.values()}):
        request.print(f"Config Engine: {driver}")
        for name, mapping in sorted(mappings.items()):
            if mapping.driver == driver:
                request.print(f"===> {name} (db={mapping.database}, table={mapping.table or name})")


def _help_words(_pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    if not args:
        return [schema.module for schema in SCHEMAS.values()]
    schema = _schema(args[0])
    if schema is None:
        return []
    if len(args) == 1:
        return [kind.name for kind in schema.types]
    found = schema.type_named(args[1]) if len(args) == 2 else None
    return [option.name for option in found.options] if found else []


def _schema(name: str) -> Schema | None:
    name = name.lower()
    return next((one for one in SCHEMAS.values() if name in (one.module, one.file, one.module + ".so")), None)


@module.command("config show help [<module> [<type> [<option>]]]", "Show configuration help", complete=_help_words)
def show_help(request: Request) -> None:
    """Explain what may stand in a configuration file.

    Without arguments the modules are listed; with a module its files and types of sections, then their options,
    then one option.
    """
    args = request.args
    if len(args) > 3:
        raise request.usage()
    if not args:
        request.print("The following modules have configuration information:")
        request.print(*(f"\t{name}" for name in sorted({schema.module for schema in SCHEMAS.values()})))
        return
    schema = _schema(args[0])
    if schema is None:
        raise CommandError(f"Module {args[0]} not found.")
    if len(args) == 1:
        request.print(f"{schema.text}", "", f"[{schema.file}]")
        request.print(*(f"\t{kind.name}: {kind.text}" for kind in schema.types))
        return
    kind: Type | None = schema.type_named(args[1])
    if kind is None:
        raise CommandError(f"Unknown configuration type {args[1]}")
    if len(args) == 2:
        request.print(f"{kind.name}: {kind.text}", "", f"[{kind.name}]")
        request.print(*(f"{option.name:<30} -- {option.summary}" for option in kind.options))
        return
    option = kind.find(args[2])
    if option is None:
        raise CommandError(f"Unknown configuration option {args[2]}")
    request.print(*describe(option))


@module.command(
    "config show sample <file>",
    "Show a configuration file with every option",
    complete=lambda pbx, args, typed: () if args else SCHEMAS,
)
def show_sample(request: Request) -> None:
    """Print a file with every option explained and at its default, to start one from."""
    if len(request.args) != 1:
        raise request.usage()
    schema = _schema(request.args[0])
    if schema is None:
        raise CommandError(f"There is no table of {request.args[0]}; known are {', '.join(sorted(SCHEMAS))}")
    request.out.extend(sample(schema).split("\n"))
