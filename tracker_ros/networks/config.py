"""Base of every network's configuration: to plain JSON and back."""

from dataclasses import asdict, dataclass, fields
from typing import ClassVar, TypeVar

Config = TypeVar("Config", bound="NetworkConfig")  # ``Self``, which Python 3.10 has not


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

    @classmethod
    def from_dict(cls: type[Config], values: dict) -> Config:
        """Inverse of ``to_dict``. Raises TypeError: an unknown name, another type of value."""
        pairs = [(name, tuple(v) if isinstance(v, list) else v) for name, v in values.items()]
        made = cls(**dict(pair for pair in pairs if pair not in cls.retired))
        for field in fields(made):
            value, kind = getattr(made, field.name), type(field.default)
            whole = kind is not tuple or all(type(part) is int for part in value)
            if type(value) not in ((int, float) if kind is float else (kind,)) or not whole:
                raise TypeError(f"{field.name} is {value!r}, not of the kind of {field.default!r}")
        return made
