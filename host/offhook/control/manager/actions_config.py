"""Actions on configuration files: reading, changing and making them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from offhook.config.model import FALSE_WORDS, TRUE_WORDS, ConfigFile, Section
from offhook.config.rewrite import EditError, Editor, save
from offhook.control.manager.module import module
from offhook.modules import ActionError, ActionRequest, Syntax

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

MOST_CHANGES = 100000
RESTRICTED = "File requires escalated privileges"
MISSING = "Config file not found"


def is_inside(folder: str, path: str) -> bool:
    """Whether a path, links resolved, is below a folder."""
    return os.path.realpath(path).startswith(os.path.realpath(folder).rstrip("/") + "/")


def _path(pbx: Pbx, name: str) -> str:
    name = name.strip()
    return name if name.startswith("/") else os.path.join(pbx.paths.etc, name)


def _allowed(pbx: Pbx, name: str, missing: str = MISSING) -> None:
    """Refuse files outside the configuration directory unless live_dangerously is set. Raises ActionError."""
    if pbx.options.live_dangerously:
        return
    path = _path(pbx, name)
    if not os.path.exists(path):
        raise ActionError(missing)
    if not is_inside(pbx.paths.etc, path):
        raise ActionError(RESTRICTED)


def _load(pbx: Pbx, name: str) -> ConfigFile:
    """The file with its comments. Raises ActionError."""
    if not os.path.exists(_path(pbx, name)):
        raise ActionError(MISSING)
    config = pbx.config.load(name.strip(), layout=True)
    if config is None:
        raise ActionError("Config file has invalid format")
    return config


def _requested(request: ActionRequest, missing: str = MISSING) -> ConfigFile:
    name = request.require("Filename", "Filename not specified")
    _allowed(request.pbx, name, missing)
    return _load(request.pbx, name)


def _templates(section: Section) -> str:
    return ",".join(template.name for template in section.templates)


_FILE = Syntax(
    "Filename",
    "[Category]",
    "[Filter]",
    Filename="A file of the configuration directory.",
    Category="Only sections of this name.",
    Filter="name=expression, several with commas between; TEMPLATES=include or restrict for templates.",
)


@module.action("GetConfig", ("system", "config"), _FILE, see_also=("GetConfigJSON", "UpdateConfig"))
def get_config(request: ActionRequest) -> None:
    """Read a configuration file."""
    config = _requested(request)
    headers: list[tuple[str, str]] = []
    category = request.get("Category")
    found = config.find(category, request.get("Filter"))
    for number, section in enumerate(found):
        headers.append((f"Category-{number:06d}", section.name))
        if section.template:
            headers.append((f"IsTemplate-{number:06d}", "1"))
        if section.templates:
            headers.append((f"Templates-{number:06d}", _templates(section)))
        for line, entry in enumerate(section):
            headers.append((f"Line-{number:06d}-{line:06d}", f"{entry.name}={entry.value}"))
    if category and not found:
        headers.append(("", "No categories found"))
    request.respond("Success", headers=headers)


@module.action("GetConfigJSON", ("system", "config"), _FILE, see_also=("GetConfig",))
def get_config_json(request: ActionRequest) -> None:
    """Read a configuration file as JSON."""
    config = _requested(request, RESTRICTED)
    parts = []
    for section in config.find(request.get("Category"), request.get("Filter")):
        items = ['"istemplate":1'] if section.template else []
        if section.templates:
            items.append(f'"templates":{_quote(_templates(section))}')
        items += [f"{_quote(entry.name)}:{_quote(entry.value)}" for entry in section]
        parts.append(f"{_quote(section.name)}:{{{','.join(items)}}}")
    request.respond("Success", headers=[("JSON", "{" + ",".join(parts) + "}")])


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@module.action(
    "ListCategories",
    ("config",),
    Syntax("Filename", "[Match]", Match="As Filter of GetConfig."),
    see_also=("GetConfig",),
)
def list_categories(request: ActionRequest) -> None:
    """List the sections of a configuration file."""
    found = _requested(request).find("", request.get("Match"))
    headers = [(f"Category-{number:06d}", section.name) for number, section in enumerate(found)]
    request.respond("Success", headers=headers or [("Error", "no categories found")])


@module.action("CreateConfig", ("config",), Syntax("Filename"), see_also=("UpdateConfig",))
def create_config(request: ActionRequest) -> None:
    """Make an empty file in the configuration directory."""
    pbx: Pbx = request.pbx
    folder, _, name = _path(pbx, request.require("Filename", "Filename not specified")).rpartition("/")
    folder = os.path.realpath(folder)
    if not os.path.isdir(folder):
        raise ActionError("No such file or directory")
    if not pbx.options.live_dangerously and not is_inside(pbx.paths.etc, f"{folder}/{name}"):
        raise ActionError(RESTRICTED)
    try:
        os.close(os.open(f"{folder}/{name}", os.O_CREAT | os.O_EXCL, 0o640))
    except OSError as error:
        raise ActionError(error.strerror or str(error)) from None
    request.ok("New configuration file created successfully")


# ---- changing ---------------------------------------------------------------------------------------


class Change(NamedTuple):
    """One numbered change of UpdateConfig."""

    action: str
    category: str
    variable: str
    value: str
    match: str
    line: str
    object: bool
    options: dict[str, str]


@module.action(
    "UpdateConfig",
    ("config",),
    Syntax(
        "SrcFilename",
        "DstFilename",
        "[Reload]",
        "[PreserveEffectiveContext]",
        "[Action-000000]",
        "[Cat-000000]",
        "[Var-000000]",
        "[Value-000000]",
        "[Match-000000]",
        "[Line-000000]",
        "[Options-000000]",
        SrcFilename="The file to read.",
        DstFilename="The file to write; the same to change it in place.",
        Reload="yes for everything, or the module to reload afterwards.",
        PreserveEffectiveContext="no: what a template gives is not written out when it differs now.",
        Action_000000="NewCat, RenameCat, DelCat, EmptyCat, Update, Delete, Append or Insert; then 000001, ...",
        Options_000000="allowdups, template, ignoreerror, inherit=template, catfilter=name=expression.",
    ),
    see_also=("GetConfig", "CreateConfig"),
)
async def update_config(request: ActionRequest) -> None:
    """Change a configuration file: sections and lines are added, changed and taken out, in the order of their numbers.

    Comments and lines that are not changed stay as they are.
    """
    pbx: Pbx = request.pbx
    source, destination = request.get("SrcFilename"), request.get("DstFilename")
    if not source or not destination:
        raise ActionError("Filename not specified")
    for name in (source, destination):
        _allowed(pbx, name, RESTRICTED)
    config = _load(pbx, source)
    editor = Editor(config)
    for change in _changes(request):
        _carry_out(editor, change)
    effective = request.get("PreserveEffectiveContext").lower() in TRUE_WORDS | {""}
    try:
        await pbx.off_loop(_save, config, destination, effective)
    except (OSError, ValueError) as error:
        raise ActionError("Save of config failed") from error
    request.respond("Success")
    reload = request.get("Reload")
    if reload and reload.lower() not in FALSE_WORDS:
        await pbx.loader.reload("" if reload.lower() in TRUE_WORDS else reload)


def _save(config: ConfigFile, destination: str, effective: bool) -> None:
    save(config, destination.strip(), effective=effective)


def _changes(request: ActionRequest) -> list[Change]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers.setdefault(name.lower(), value)
    changes = []
    for number in range(MOST_CHANGES):
        at = f"-{number:06d}"
        action = headers.get(f"action{at}", "")
        if not action:
            break
        category = headers.get(f"cat{at}", "")
        if not category:
            raise ActionError("Category not specified")
        value = headers.get(f"value{at}", "")
        object_ = value.startswith(">")
        changes.append(
            Change(
                action.lower(),
                category,
                headers.get(f"var{at}", ""),
                value[1:] if object_ else value,
                headers.get(f"match{at}", ""),
                headers.get(f"line{at}", ""),
                object_,
                _options(headers.get(f"options{at}", "")),
            )
        )
    return changes


def _options(text: str) -> dict[str, str]:
    """Options with their values; quotes keep commas together."""
    found: dict[str, str] = {}
    token, quote = "", ""
    for char in text + ",":
        if quote:
            quote = "" if char == quote else quote
            token += char if quote else ""
        elif char in "\"'":
            quote = char
        elif char == ",":
            name, _, value = token.strip().partition("=")
            found[name.strip().lower()] = value.strip()
            token = ""
        else:
            token += char
    return found


def _carry_out(editor: Editor, change: Change) -> None:
    """Carry out one change. Raises ActionError with Asterisk's sentence for what went wrong."""
    handler = _CHANGES.get(change.action)
    if handler is None:
        raise ActionError("Unknown action command")
    try:
        handler(editor, change)
    except EditError as error:
        ignored = _IGNORED.get(change.action) if "ignoreerror" in change.options else None
        if ignored == error.reason:
            return
        raise ActionError(_sentence(change, error)) from None


#: What the option ignoreerror overlooks.
_IGNORED = {"newcat": EditError.EXISTS, "delcat": EditError.NO_CATEGORY, "delete": EditError.NO_VARIABLE}


def _sentence(change: Change, error: EditError) -> str:
    if change.action == "newcat":
        return "Create category did not complete successfully"
    return "Given category does not exist" if error.reason == EditError.NO_CATEGORY else _UPDATE_FAILED


_UPDATE_FAILED = "Update did not complete successfully"
_INCOMPLETE = "Problem with category, value, or line (if required)"


def _new_category(editor: Editor, change: Change) -> None:
    options = change.options
    bases = [word.strip() for word in options.get("inherit", "").split(",") if word.strip()]
    editor.new_category(
        change.category,
        template="template" in options,
        inherit=bases,
        before=change.match,
        duplicate="allowdups" in options,
    )


def _rename(editor: Editor, change: Change) -> None:
    if not change.value:
        raise ActionError(_INCOMPLETE)
    editor.rename_category(change.category, change.value, change.options.get("catfilter", ""))


def _delete_category(editor: Editor, change: Change) -> None:
    editor.delete_category(change.category, change.options.get("catfilter", ""))


def _empty(editor: Editor, change: Change) -> None:
    editor.empty_category(change.category, change.options.get("catfilter", ""))


def _update(editor: Editor, change: Change) -> None:
    if not change.variable:
        raise ActionError(_INCOMPLETE)
    editor.update(
        change.category,
        change.variable,
        change.value,
        old=change.match,
        match=change.options.get("catfilter", ""),
        object=change.object,
    )


def _delete(editor: Editor, change: Change) -> None:
    if not change.variable and not change.line:
        raise ActionError(_INCOMPLETE)
    line = int(change.line) if change.line.isdigit() else None
    editor.delete(
        change.category, change.variable, value=change.match, line=line, match=change.options.get("catfilter", "")
    )


def _append(editor: Editor, change: Change) -> None:
    if not change.variable:
        raise ActionError(_INCOMPLETE)
    editor.append(
        change.category,
        change.variable,
        change.value,
        object=change.object or change.match.lower() == "object",
        match=change.options.get("catfilter", ""),
    )


def _insert(editor: Editor, change: Change) -> None:
    if not change.variable or not change.line:
        raise ActionError(_INCOMPLETE)
    line = int(change.line) if change.line.isdigit() else 0
    editor.insert(change.category, change.variable, change.value, line, match=change.options.get("catfilter", ""))


_CHANGES: dict[str, Callable[[Editor, Change], None]] = {
    "newcat": _new_category,
    "renamecat": _rename,
    "delcat": _delete_category,
    "emptycat": _empty,
    "update": _update,
    "delete": _delete,
    "append": _append,
    "insert": _insert,
}
