"""Options of a command made from the fields of a configuration."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from ..core.errors import ParameterError
from ..core.io.numbers import parse_number, parse_whole
from .config import Checked, option_name

KINDS = {
    **{bool: "true or false", int: "a whole number", float: "a number"},
    tuple: "whole numbers with commas between them",
}


def add_options(parser: argparse._ActionsContainer, config: type[Checked]) -> None:
    """One option for each ``option`` of ``config``; what is not given stays None."""
    for field in fields(config):
        if not field.metadata:
            continue
        flag, text = option_name(config, field), field.metadata["help"].replace("%", "%%")
        if field.type == "bool":
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
        else:
            kinds = {"int": read_whole, "float": read_number, "str": str}
            kind = kinds.get(field.type, read_shares)
            metavar = {"int": "N", "float": "X", "str": "NAME"}.get(field.type, "KIND=X[,…]")
            parser.add_argument(flag, type=kind, metavar=metavar, help=text)


def given(args: argparse.Namespace, config: Checked) -> Any:
    """``config`` with the options that were given.

    Raises ParameterError for a bad value, and for one that has no effect beside the others.
    """
    values = {
        field.name: getattr(args, f"{config.prefix}{field.name}")
        for field in fields(config)
        if field.metadata
    }
    made = replace(config, **{name: value for name, value in values.items() if value is not None})
    refuse_idle(args, config, dict(made.idle()))
    return made


def refuse_idle(args: argparse.Namespace, config: Checked, idle: Mapping[str, str]) -> None:
    """Raise ParameterError for an option that asks for what would not be done.

    idle: fields of ``config`` that have no effect, each with the reason. To ask for nothing, or
    for what ``config`` has, misleads nobody.
    """
    for field in fields(config):
        value = getattr(args, f"{config.prefix}{field.name}", None)
        if field.name in idle and value and value != getattr(config, field.name):
            raise ParameterError(f"{option_name(config, field)} has no effect: {idle[field.name]}")


def read_number(text: str) -> float:
    """A number, for argparse."""
    try:
        return parse_number(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def read_whole(text: str) -> int:
    """A whole number, for argparse."""
    try:
        return parse_whole(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def read_shares(text: str) -> dict[str, float]:
    """``a=1,b=0.5`` → {"a": 1.0, "b": 0.5}. Raises ArgumentTypeError."""
    try:
        pairs = [pair.split("=", 1) for pair in text.split(",")]
        shares = {name: parse_number(value) for name, value in pairs}
        if len(shares) < len(pairs):
            raise ValueError("a kind is there twice")
        return shares
    except ValueError:
        form = "KIND=NUMBER[,KIND=NUMBER …], each kind once"
        raise argparse.ArgumentTypeError(f"{text!r} is not {form}") from None


def overridden(
    config: Any,
    texts: Iterable[str],
    option: str,
    idle: Callable[[Any], Mapping[str, str]] = lambda made: {},
) -> Any:
    """A configuration with values given as NAME=VALUE, of the type that they replace.

    idle: of the configuration that is made, the names that have no effect, each with the reason.
    Raises ParameterError naming ``option`` for an unknown name, one that is there twice or has no
    effect, or a value of another type.
    """
    known = {field.name: getattr(config, field.name) for field in fields(config)}
    values = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            raise ParameterError(f"{option} {text!r}: there is no {name!r} in {', '.join(known)}")
        if name in values:
            raise ParameterError(f"{option} {text!r}: {name} is given twice")
        try:
            values[name] = _like(known[name], value)
        except ValueError:
            kind = KINDS[type(known[name])]
            raise ParameterError(f"{option} {text!r}: {value!r} is not {kind}") from None
    made = replace(config, **values)
    reasons = idle(made)
    for name, value in values.items():
        if name in reasons and value != known[name]:
            raise ParameterError(f"{option} {name} has no effect: {reasons[name]}")
    return made


def _like(old: Any, text: str) -> Any:
    """``text`` as a value of the type of ``old``. Raises ValueError."""
    if isinstance(old, bool):
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if isinstance(old, tuple):
        return tuple(map(parse_whole, text.split(",")))
    return {int: parse_whole, float: parse_number, str: str}[type(old)](text)
