"""``python -m tracker_ros.nodes.parameters`` prints the README's tables."""

from collections.abc import Iterable

from . import NODES
from .parameter import ACTIVATE, AT_ONCE, CONFIGURE, START, Parameter


def markdown(table: Iterable[Parameter]) -> str:
    """The README's table."""
    lines = ["| parameter | type | default | range | can be set | what it does |", "|" + "---|" * 6]
    when = {START: "at start", CONFIGURE: "unconfigured", ACTIVATE: "inactive", AT_ONCE: "any time"}
    for p in table:
        default = str(p.default).lower() if isinstance(p.default, bool) else p.default
        cells = (
            f"`{p.name}`",
            p.type_name,
            f"`{default}`" if default != "" else "",
            p.range_text,
            when[p.applies],
            p.description,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def documentation() -> str:
    """The README's part between the parameters markers."""
    return "\n\n".join(f"`{name}`:\n\n{markdown(table)}" for name, table in NODES.items())


if __name__ == "__main__":
    print(documentation())
