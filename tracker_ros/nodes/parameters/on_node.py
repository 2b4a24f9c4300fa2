"""Parameters on an rclpy node: declared, read, and refused where they cannot be set."""

import difflib
from collections.abc import Iterable
from types import SimpleNamespace

from ...core.errors import ParameterError, TrackerError
from .parameter import START, Parameter


def declare(node, table: Iterable[Parameter]) -> None:
    """Declare ``table`` on an rclpy node. Raises ParameterError for an override out of range.

    Logs a warning for every parameter of ``useless``.
    """
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException

    given = _overrides(node)
    for parameter in table:
        if parameter.name in given:  # before rclpy looks, whose sentence says the same worse
            parameter.check(given[parameter.name].value)
        try:
            node.declare_parameter(parameter.name, parameter.default, descriptor(parameter))
        except (InvalidParameterTypeException, InvalidParameterValueException):
            raise ParameterError(f"parameter {parameter.name} must be {parameter.wanted}") from None
        parameter.check(node.get_parameter(parameter.name).value)

    for sentence in useless(node, table):
        node.get_logger().warning(sentence)


def refusal(table: Iterable[Parameter], changed: Iterable, stage: str) -> str:
    """Why rclpy parameters may not be ``changed`` in a node's ``stage``; empty if they may.

    Parameters that are not in ``table`` are ignored.
    """
    entries = {entry.name: entry for entry in table}
    for parameter in changed:
        if (entry := entries.get(parameter.name)) is None:
            continue
        try:
            entry.check(parameter.value)
            entry.check_stage(stage)
        except TrackerError as error:
            return str(error)
    return ""


def useless(node, table: Iterable[Parameter]) -> list[str]:
    """One sentence for each parameter that was given, but has no effect.

    ``node`` does not have it, and most are misspelt; or it is about others of ``table``.
    """
    return _unknown(node) + _idle(read(node, table), table)


def _idle(values: SimpleNamespace, table: Iterable[Parameter]) -> list[str]:
    sentences = []
    for p in table:
        value = getattr(values, p.name)
        acts = not p.about or any(getattr(values, name) == wanted for name, wanted in p.about)
        if value != p.default and not acts:
            needed = " or ".join(f"{name}: {str(wanted).lower()}" for name, wanted in p.about)
            sentences.append(f"parameter {p.name} is {value!r}, but has no effect without {needed}")
    return sentences


def _unknown(node) -> list[str]:
    known = list(node.get_parameters_by_prefix(""))
    sentences = []
    for name in _overrides(node):
        if node.has_parameter(name) or name.startswith("qos_overrides."):
            continue
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; {close[0]} is meant?" if close else ""
        sentences.append(f"there is no parameter {name}: it is ignored{hint}")
    return sentences


def _overrides(node) -> dict:
    """The parameters that files and the command line give ``node``."""
    return getattr(node, "_parameter_overrides", {})  # rclpy tells it in no public way


def read(node, table: Iterable[Parameter]) -> SimpleNamespace:
    """The present values of ``table`` on ``node``, by name."""
    return SimpleNamespace(**{p.name: node.get_parameter(p.name).value for p in table})


def descriptor(parameter: Parameter):
    """The rcl_interfaces/ParameterDescriptor of ``parameter``."""
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    limits = {}
    if parameter.limits:
        low, high = parameter.limits
        if isinstance(parameter.default, float):
            limits["floating_point_range"] = [FloatingPointRange(from_value=low, to_value=high)]
        else:
            limits["integer_range"] = [IntegerRange(from_value=low, to_value=high)]
    return ParameterDescriptor(
        description=parameter.description,
        additional_constraints=f"One of: {parameter.range_text}." if parameter.choices else "",
        read_only=parameter.applies == START,
        **limits,
    )
