"""pbx_ael: extensions.ael becomes part of the dialplan in force, at load and at each reload."""

from __future__ import annotations

import logging
import os
import re
from typing import Any

from offhook.dialplan.ael.compile import REGISTRAR, Compiler
from offhook.dialplan.ael.parser import parse_ael
from offhook.dialplan.ael.tree import AelError
from offhook.dialplan.context import Context
from offhook.dialplan.executor import run_application
from offhook.dialplan.subroutine import MACRO_EXTENSION
from offhook.modules import Module, Request, Syntax
from offhook.modules.module import LoadError

log = logging.getLogger(__name__)
module = Module("pbx_ael", "Asterisk Extension Language Compiler", priority=46, needs="extensions.ael")

_FILE = "extensions.ael"
_INCLUDE = re.compile(r'^[ \t]*#include[ \t]+["<]?([^">\n]+?)[">]?[ \t]*$', re.MULTILINE)
_MOST_NESTED = 50


def compile_file(path: str) -> tuple[list[tuple[str, str]], dict[str, Context]]:
    """Global variables and contexts of a file and what it includes. Raises AelError, OSError."""
    tree = parse_ael(_text(path, 0), os.path.basename(path))
    return tree.globals, Compiler(tree, os.path.basename(path)).run()


def _text(path: str, depth: int) -> str:
    if depth > _MOST_NESTED:
        raise AelError(path, 1, "files include each other without end")
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()

    def included(match: re.Match[str]) -> str:
        name = match.group(1)
        return _text(os.path.join(os.path.dirname(path), name), depth + 1)

    return _INCLUDE.sub(included, text)


@module.on_load
@module.on_reload
async def load(pbx: Any) -> None:
    """Read extensions.ael; a file that cannot be used leaves the dialplan as it is. Raises LoadError."""
    path = os.path.join(pbx.config.etc_dir, _FILE)
    try:
        variables, contexts = await pbx.off_loop(compile_file, path)
    except FileNotFoundError as error:
        raise LoadError(f"{error.filename}: no such file") from error
    except AelError as error:
        raise LoadError(str(error)) from error
    for name, value in variables:
        pbx.set_global(name, value)
    pbx.dialplan.replace(REGISTRAR, contexts)


@module.on_unload
def unload(pbx: Any) -> None:
    """Take its contexts out of the dialplan."""
    pbx.dialplan.remove_registrar(REGISTRAR)


@module.application("AELSub", Syntax("routine", "[args]"), raw=True, see_also=("Gosub",))
async def ael_sub(channel: Any, arguments: str = "") -> Any:
    """Run a subroutine of extensions.ael (a macro) from another dialplan.

    How AEL's subroutines are called may change; this application will not.
    """
    routine, _, values = arguments.partition(",")
    return await run_application(channel, "Gosub", f"{routine},{MACRO_EXTENSION},1({values})")


@module.command("ael reload")
async def ael_reload(request: Request) -> None:
    """Read extensions.ael again.

    Calls go on; a file with a mistake changes nothing.
    """
    await request.pbx.loader.reload(module.name)
