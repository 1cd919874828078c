"""Channel events in files of one's own making (cel_custom.conf)."""

from __future__ import annotations

import os

from offhook.calls.pbx import Pbx
from offhook.dialplan.scope import Scope
from offhook.dialplan.substitution import compile_template
from offhook.modules import Module
from offhook.services.advanced_mapping import AdvancedMapping, mapped_files
from offhook.services.cel.engine import CelRecord
from offhook.services.cel.mapping import cel_fields
from offhook.services.cel.stand_in import stand_in
from offhook.storage.lines import LineWriter

custom_module = Module("cel_custom", "Customizable Comma Separated Values CEL Backend", depends=("cel",), priority=12)


class _Custom:
    """The backend of cel_custom.conf: files and the templates of their lines."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.folder = os.path.join(pbx.paths.log, "cel-custom")
        self.lines: list[tuple[str, str]] = []
        """Files, and lines that are worked out as in the dialplan."""
        self.mappings: list[tuple[str, AdvancedMapping[CelRecord]]] = []
        self.writer = LineWriter(pbx.loop)

    def write(self, record: CelRecord) -> None:
        """Append the record's line to every file."""
        found = [(name, mapping.line(record)) for name, mapping in self.mappings]
        if self.lines:
            scope = Scope(self.pbx, stand_in(self.pbx, record))
            found += [(name, compile_template(template).get(scope)) for name, template in self.lines]
        for name, line in found:
            self.writer.append(os.path.join(self.folder, name), line + "\n")


@custom_module.on_load
@custom_module.on_reload
def load_custom(pbx: Pbx) -> None:
    """Write the files of cel_custom.conf: those of its section [mappings], and one of each other section."""
    present: _Custom = pbx.parts.get("cel_custom") or _Custom(pbx)
    pbx.parts["cel_custom"] = present
    config = pbx.config.load("cel_custom.conf", custom_module.name)
    section = config.get("mappings") if config is not None else None
    present.lines = [(entry.name, entry.value) for entry in section or () if entry.value]
    present.mappings = list(mapped_files(config, "cel_custom.conf", cel_fields(pbx)))
    backends = pbx.parts["cel"].backends
    if present.lines or present.mappings:
        backends["CEL Custom CSV Logging"] = present.write
    else:
        backends.pop("CEL Custom CSV Logging", None)


@custom_module.on_unload
async def unload_custom(pbx: Pbx) -> None:
    """Finish writing."""
    present: _Custom | None = pbx.parts.pop("cel_custom", None)
    if present is not None:
        pbx.parts["cel"].backends.pop("CEL Custom CSV Logging", None)
        await present.writer.drain()
