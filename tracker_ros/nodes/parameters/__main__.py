"""``python -m tracker_ros.nodes.parameters`` prints the tables of README and docs/parameters.md."""

from collections.abc import Iterable

from . import NODES, TRACKER
from .parameter import ACTIVATE, AT_ONCE, CONFIGURE, START, Parameter

# What nearly everyone sets; the README has these alone.
USUAL = ("model", "device", "image_transport", "init_bbox", "max_targets")


def markdown(table: Iterable[Parameter]) -> str:
    """The table of some parameters."""
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


def documentation() -> dict[str, str]:
    """What stands between the parameters markers of each file."""
    return {
        "README.md": markdown(p for p in TRACKER if p.name in USUAL),
        "docs/parameters.md": "\n\n".join(
            f"## `{name}`\n\n{markdown(table)}" for name, table in NODES.items()
        ),
    }


if __name__ == "__main__":
    for file, text in documentation().items():
        print(f"<!-- {file} -->\n\n{text}\n")
