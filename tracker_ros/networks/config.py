"""Base of every network's configuration: to plain JSON and back."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, TypeVar

Config = TypeVar("Config", bound="NetworkConfig")  # ``Self``, which Python 3.10 has not

# The least and the most that each number may be: shares are parts of one; what is far above that
# which makes sense only takes the memory.
BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("channels", "head_channels", "ffn", "widths", "gate_reduction"), (1, 4096)),
    **dict.fromkeys(("query_size", "template_size", "search_size", "anchor"), (1, 4096)),
    **dict.fromkeys(("depth", "depths", "head_depth", "layers", "late_se"), (0, 256)),
    **dict.fromkeys(("heads", "branches", "dilation", "upsample", "patch"), (1, 256)),
    **dict.fromkeys(("search_cells", "memory_cells", "template_cells"), (1, 256)),
    **dict.fromkeys(("corner_place", "scale_penalty", "scale_rate"), (0, 1)),
    **dict.fromkeys(("dropout", "drop_path"), (0, 0.95)),
    **{"width": (0.01, 10), "temperature": (0.01, 100), "scale_step": (1, 2)},
}


@dataclass(frozen=True)
class NetworkConfig:
    """Base of the sizes of a network; stored with the weights.

    ``retired``: settings of older weights that are no longer there, each with the only value that
    it may have had.
    """

    retired: ClassVar[tuple[tuple[str, object], ...]] = ()

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return asdict(self)

    def idle(self) -> Iterator[tuple[str, str]]:
        """Settings that have no effect beside the values of others, each with the reason."""
        yield from ()

    @classmethod
    def from_dict(cls: type[Config], values: dict) -> Config:
        """Inverse of ``to_dict``.

        Raises TypeError: an unknown name, another type of value; ValueError: one out of ``BOUNDS``.
        """
        pairs = [(name, tuple(v) if isinstance(v, list) else v) for name, v in values.items()]
        made = cls(**dict(pair for pair in pairs if pair not in cls.retired))
        for field in fields(made):
            value, kind = getattr(made, field.name), type(field.default)
            whole = kind is not tuple or all(type(part) is int for part in value)
            if type(value) not in ((int, float) if kind is float else (kind,)) or not whole:
                raise TypeError(f"{field.name} is {value!r}, not of the kind of {field.default!r}")
            if kind in (int, float, tuple):
                least, most = BOUNDS[field.name]
                if not all(least <= n <= most for n in (value if kind is tuple else (value,))):
                    raise ValueError(f"{field.name} is {value!r}, not from {least} to {most}")
        return made
