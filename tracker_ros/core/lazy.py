"""A package's names that are imported when they are first used (PEP 562)."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def deferred(package: str, **names: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that finds each of ``names`` in the submodule it is given with."""

    def find(name: str) -> Any:
        if name in names:
            return getattr(import_module(f"{package}.{names[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
