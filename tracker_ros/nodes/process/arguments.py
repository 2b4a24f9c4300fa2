"""Command lines of nodes: ROS 2 takes UTF-8 only, and file systems any bytes."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...core.errors import ParameterError, SourceError
from ...core.io.names import is_utf8, utf8_name


def parameter_arguments(parameters: dict[str, object]) -> list[str]:
    """``-p NAME:=VALUE`` for each, in YAML. Raises ParameterError for text that is not UTF-8."""
    words = []
    for name, value in parameters.items():
        if isinstance(value, str) and not is_utf8(value):
            raise ParameterError(f"{name} is {value!r}, but ROS 2 takes text in UTF-8 only")
        words += ["-p", f"{name}:={_yaml(value)}"]
    return words


def _yaml(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)  # JSON is YAML: it keeps 1.0 a float
    # JSON's own escapes are no YAML beyond U+FFFF, and a few characters must not be in YAML at all.
    escaped = re.sub(r'[^ -~]|["\\]', lambda found: f"\\U{ord(found[0]):08X}", value)
    return f'"{escaped}"'


@contextmanager
def utf8_source(source: str) -> Iterator[str]:
    """A name in UTF-8 that ``source`` has until the block ends. Raises SourceError without it."""
    path = Path(source)
    if is_utf8(source):
        yield source
    elif not os.path.lexists(path):
        raise SourceError(f"{source} does not exist")
    elif is_utf8(path.name):  # what belongs to a file lies beside it
        with utf8_name(path.parent) as folder:
            yield os.path.join(folder, path.name)
    else:
        with utf8_name(path) as name:
            yield name


def check_words(words: Iterable[str]) -> None:
    """Raise ParameterError for the first word that is not UTF-8."""
    for word in words:
        if not is_utf8(word):
            raise ParameterError(
                f"wrong ROS arguments: {word!r} is not UTF-8, or not in this locale; a link with"
                " another name helps"
            )
