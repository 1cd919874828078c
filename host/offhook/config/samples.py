"""Sample files and help texts, printed from the option tables."""

from __future__ import annotations

import textwrap
from typing import Final

from offhook.config.options import Option, Schema

WIDTH: Final = 79


def describe(option: Option) -> list[str]:
    """Everything about an option, as lines."""
    lines = [f"[{option.name}]", *textwrap.wrap(" ".join(option.text.split()), WIDTH)]
    lines.append(f"Value: {option.kind.phrase}" + ("; may be written several times" if option.many else ""))
    lines.append(f"Default: {_default(option) or '(none)'}")
    if option.aliases:
        lines.append(f"Also written: {', '.join(option.aliases)}")
    return lines


def _default(option: Option) -> str:
    if option.default is None or option.default == [] or option.default == "":
        return ""
    if option.many:
        return ", ".join(option.kind.show(value) for value in option.default)
    return option.kind.show(option.default)


def sample(schema: Schema) -> str:
    """A configuration file with every option, each explained and commented out at its default."""
    out = [
        f"; {schema.file}: {schema.text}",
        ";",
        "; Lines that start with ; are comments. The values shown are defaults.",
        "",
    ]
    for kind in schema.types:
        out += [*(f"; {line}" for line in textwrap.wrap(kind.text, WIDTH - 2)), f"[{kind.name}]"]
        for option in kind.options:
            text = " ".join(option.text.split())
            out += ["", *(f"; {line}" for line in textwrap.wrap(f"{text} ({option.kind.phrase})", WIDTH - 2))]
            out.append(f";{option.name} = {_default(option)}".rstrip())
        out.append("")
    return "\n".join(out)
