"""ROS 2 messages of bags: their types for rosbags, the vision_msgs of this package among them."""

import array
import functools
import struct
from typing import Any

import numpy as np
from rosbags.interfaces import Connection, MessageDefinitionFormat, Nodetype
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from ...core.errors import SourceError, brief
from .vision_types import DEFINITIONS

# Of the types in use, the only one with a default other than zero.
DEFAULTS = {"geometry_msgs/msg/Quaternion": {"w": 1.0}}
DTYPES = {"byte": "uint8", "char": "uint8", "octet": "uint8"}


@functools.cache
def default_typestore() -> Typestore:
    """The types of ROS 2 Jazzy and vision_msgs, for reading and writing bags."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for name, definition in DEFINITIONS.items():
        types.update(get_types_from_msg(definition, f"vision_msgs/msg/{name}"))
    store.register(types)
    return store


def typestore_for(connection: Connection) -> Typestore:
    """The types that the bag itself defines for ``connection``, or else the default ones."""
    definition = connection.msgdef
    if definition.format == MessageDefinitionFormat.MSG and definition.data:
        store = get_typestore(Stores.EMPTY)
        try:
            store.register(get_types_from_msg(definition.data, connection.msgtype))
            return store
        except TypesysError:  # a definition that rosbags cannot parse
            pass
    return default_typestore()


def deserialize(store: Typestore, data: bytes, msgtype: str) -> Any:
    """The message that CDR bytes hold. Raises SourceError where they are damaged."""
    try:
        return store.deserialize_cdr(data, msgtype)
    except Exception as error:  # damaged bytes raise anything from rosbags' generated code
        raise SourceError(f"damaged message ({type(error).__name__}: {brief(error)})") from None


def header_stamp(data: bytes, log_time: int) -> int:
    """The header stamp (ns) at the start of a CDR message; the log time where it is not set.

    Read from the bytes, because decoding whole images to learn their stamps is slow.
    """
    if len(data) < 12:
        return log_time
    seconds, nanoseconds = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return seconds * 1_000_000_000 + nanoseconds or log_time


def bag_message(name: str, /, **values: Any) -> Any:
    """A message of ``default_typestore``, made as ``ros_message`` makes rclpy's."""
    store = default_typestore()
    _, fields = store.fielddefs[name]
    values = DEFAULTS.get(name, {}) | {field: _plain(value) for field, value in values.items()}
    defaults = {field: _default(kind) for field, kind in fields if field not in values}
    return store.types[name](**values, **defaults)


def _plain(value):
    """What rosbags has for a value of rclpy's."""
    if isinstance(value, bytes):  # an octet
        return value[0]
    return np.frombuffer(value, np.uint8) if isinstance(value, array.array) else value


def _default(kind):
    node, detail = kind
    if node == Nodetype.NAME:
        return bag_message(detail)
    if node == Nodetype.BASE:
        base = detail[0]
        return "" if base == "string" else 0.0 if base.startswith("float") else 0
    (element, inner), length = detail
    if element == Nodetype.BASE and inner[0] != "string":
        return np.zeros(length, DTYPES.get(inner[0], inner[0]))
    return [_default(detail[0]) for _ in range(length if node == Nodetype.ARRAY else 0)]
