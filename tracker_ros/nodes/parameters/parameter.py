"""A parameter of a node: type, range, and when it may be set."""

from dataclasses import dataclass
from typing import Any

from ...core.errors import InputError, ParameterError

Value = bool | int | float | str

TYPE_NAMES = {bool: "bool", int: "integer", float: "double", str: "string"}

# When a new value takes effect.
START = "start"  # never again: read-only
CONFIGURE = "configure"  # may be set while the node is unconfigured
ACTIVATE = "activate"  # may be set while the node is not active
AT_ONCE = "at once"


@dataclass(frozen=True)
class Parameter:
    """One ROS parameter; its type is that of the default.

    box: its values are texts of a box, ``x,y,w,h``, or empty.
    about: other parameters of the node, one of which must have the value here for this one to have
    an effect.
    """

    name: str
    default: Value
    description: str
    applies: str = START
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    box: bool = False
    about: tuple[tuple[str, Value], ...] = ()

    @property
    def type_name(self) -> str:
        return TYPE_NAMES[type(self.default)]

    @property
    def range_text(self) -> str:
        if self.choices:
            return ", ".join(self.choices)
        return "{:g} to {:g}".format(*self.limits) if self.limits else ""

    @property
    def wanted(self) -> str:
        """What its values are, in words: "an integer from 1 to 64"."""
        if self.choices:
            return f"one of {self.range_text}"
        if self.box:
            return "x,y,w,h in pixels, w and h above 0"
        article = "an" if self.type_name[0] in "aeiou" else "a"
        limits = f" from {self.range_text}" if self.limits else ""
        return f"{article} {self.type_name}{limits}"

    def check(self, value: Value) -> None:
        """Raise ParameterError unless ``value`` is of the parameter's type and range."""
        if type(value) is not type(self.default):
            # YAML reads 2 as an integer, and ROS converts nothing.
            hint = f"; write {value}.0" if self.type_name == "double" and type(value) is int else ""
            raise ParameterError(
                f"parameter {self.name} is {value!r}, but must be {self.wanted}{hint}"
            )
        number: Any = value  # where there are bounds
        outside = self.limits and not self.limits[0] <= number <= self.limits[1]
        unknown = self.choices and value not in self.choices
        if outside or unknown or (self.box and not _is_box(number)):
            raise ParameterError(f"parameter {self.name} is {value!r}, but must be {self.wanted}")

    def check_stage(self, stage: str) -> None:
        """Raise ParameterError if the parameter cannot be set in the lifecycle state ``stage``."""
        allowed = {CONFIGURE: ("unconfigured",), ACTIVATE: ("unconfigured", "inactive")}
        if stage not in allowed.get(self.applies, (stage,)):
            raise ParameterError(
                f"parameter {self.name} can be set while the node is"
                f" {' or '.join(allowed[self.applies])}, not {stage}"
            )


def initial_box(text: str) -> tuple[float, float, float, float] | None:
    """The box of such a text; None if it is empty. Raises InputError."""
    from ...core.geometry.boxes import parse_box  # NumPy, for which help must not wait

    return parse_box(text) if text else None


def _is_box(text: str) -> bool:
    try:
        initial_box(text)
    except InputError:
        return False
    return True


# Of every managed node.
STARTING = (
    Parameter("autostart", True, "Configure and activate at start, without a lifecycle manager."),
    Parameter(
        "required",
        False,
        "End with status 1 where `autostart` fails; else the node waits to be configured anew.",
    ),
)
