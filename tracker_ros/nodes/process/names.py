"""Names of topics, looked at before rclpy does: it raises, or forgets what it was about."""

from collections.abc import Iterable

from ...core.errors import ParameterError


def check_topics(node, names: Iterable[str], where: str = "") -> None:
    """Raise ParameterError for the first of ``names`` that ``node`` can make no topic of.

    As they are when they are expanded and remapped. where: what they are from, for the sentence.
    """
    from rclpy.validate_full_topic_name import validate_full_topic_name

    for name in names:
        try:
            validate_full_topic_name(node.resolve_topic_name(name))
        except Exception as error:  # rclpy has many types for it
            raise ParameterError(f"{where or f'topic {name}'}: {reason(error)}") from None


def check_parameter(node, parameter: str, *endings: str) -> None:
    """Raise ParameterError unless ``parameter`` with each ending makes a topic's name."""
    value = node.get_parameter(parameter).value
    where = f"parameter {parameter} is {value!r}, but must be the name of a node"
    if not value:
        raise ParameterError(where)
    check_topics(node, (f"{value}/{ending}" for ending in endings), where)


def reason(error: BaseException) -> str:
    """What rclpy or rcl says, without the drawing below it and the places in their sources."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return first.partition(", at /")[0].removeprefix("failed to resolve name: ").rstrip(":")
