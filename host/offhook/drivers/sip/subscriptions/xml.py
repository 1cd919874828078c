"""XML documents as they are notified: built as a tree, written with one element a line."""

from __future__ import annotations

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ESCAPES = str.maketrans(
    {"<": "&lt;", ">": "&gt;", '"': "&quot;", "&": "&amp;", "'": "&apos;", "\r": "&#13;", "\n": "&#10;"}
)


class Element:
    """An element with its attributes, children and text; values are escaped when they are written."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, text: str = "", /, **attributes: str) -> None:
        self.name = name
        self.text = text
        self.attributes = dict(attributes)
        self.children: list[Element] = []

    def add(self, name: str, text: str = "", /, **attributes: str) -> Element:
        """Append a child and return it."""
        child = Element(name, text, **attributes)
        self.children.append(child)
        return child

    def document(self) -> str:
        """The element as a whole document."""
        return f"{PROLOG}{self._written(0)}\n"

    def _written(self, depth: int) -> str:
        indent = " " * depth
        opening = f"{indent}<{self.name}" + "".join(
            f' {name}="{value.translate(_ESCAPES)}"' for name, value in self.attributes.items()
        )
        if not self.children and not self.text:
            return f"{opening} />"
        inside = "".join("\n" + child._written(depth + 1) for child in self.children)
        text = self.text.translate(_ESCAPES)
        return f"{opening}>{inside}{text}" + (f"\n{indent}" if self.children else "") + f"</{self.name}>"
