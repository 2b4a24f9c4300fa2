"""What a parameter file says of a node, read as ROS 2 reads it."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import ParameterError, brief
from ...core.io.paths import no_file

KEY = "ros__parameters"


def load(path: str) -> dict[str, Mapping]:
    """The file's parameters by pattern of node names, ``/**/tracker_node``, in the file's order.

    Raises ParameterError if it is not there or no YAML. What else is wrong in it, the nodes say;
    then nothing is known of it here.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.parser import ParserError
    from ruamel.yaml.reader import ReaderError
    from ruamel.yaml.scanner import ScannerError

    # Launch only warns of such a file, and starts the nodes without it.
    if problem := no_file(Path(path)):
        raise ParameterError(f"argument params_file: {path} {problem}")
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers like 1e3
            text = Path(path).read_text(encoding="utf-8")
            if not text.startswith("%YAML"):  # as ROS 2 reads it: ``on`` is a bool
                text = "%YAML 1.1\n" + "---\n" * (not text.startswith("---")) + text
            documents = list(yaml.load_all(text))
    except (UnicodeDecodeError, OSError, ReaderError, ScannerError, ParserError) as error:
        raise ParameterError(f"argument params_file: {path}: {brief(error)}") from None
    except Exception:  # of tags and dates, which ROS 2 takes for text
        return {}
    found: dict[str, Mapping] = {}
    for content in documents:
        _collect(content, "", found)
    return found


def _collect(content: Any, name: str, found: dict[str, Mapping]) -> None:
    if isinstance(content, Mapping):
        for key, inner in content.items():
            if key == KEY and isinstance(inner, Mapping):
                found[name] = {**found.get(name, {}), **inner}
            else:
                _collect(inner, f"{name}/{str(key).strip('/')}", found)


def of_node(patterns: Mapping[str, Mapping], node: str, namespace: str = "") -> dict[str, Any]:
    """The parameters of a node: of all patterns that fit, the last says the value."""
    full_name = "/".join(("", *filter(None, namespace.split("/")), node))
    values: dict[str, Any] = {}
    for pattern, parameters in patterns.items():
        if re.fullmatch(_expression(pattern), full_name):
            values |= parameters
    return values


def _expression(pattern: str) -> str:
    # ``**`` also stands for no name at all: /**/tracker_node is /tracker_node, too.
    wildcards = {"**": "(/.*)?", "*": "/[^/]+"}
    parts = pattern.strip("/").split("/")
    return "".join(wildcards.get(part, f"/{re.escape(part)}") for part in parts)
