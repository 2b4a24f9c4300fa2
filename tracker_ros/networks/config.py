"""Base of every network's configuration: to plain JSON and back."""

from dataclasses import asdict, dataclass
from typing import TypeVar

Config = TypeVar("Config", bound="NetworkConfig")  # ``Self``, which Python 3.10 has not


@dataclass(frozen=True)
class NetworkConfig:
    """Base of the sizes of a network; stored with the weights."""

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls: type[Config], values: dict) -> Config:
        """Inverse of ``to_dict``. Raises TypeError for an unknown name."""
        pairs = values.items()
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in pairs})
