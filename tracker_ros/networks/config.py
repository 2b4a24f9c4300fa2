"""What every network's configuration can do: become plain JSON and come back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self  # Python 3.10 has none


@dataclass(frozen=True)
class NetworkConfig:
    """Base of the sizes of a network; stored with the weights."""

    def to_dict(self) -> dict:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Self:
        """Inverse of ``to_dict``. Raises TypeError for an unknown name."""
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )
