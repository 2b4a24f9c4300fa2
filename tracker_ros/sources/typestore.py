"""ROS 2 message types for rosbags, the vision_msgs of this package among them."""

import functools
from pathlib import Path

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

DEFINITIONS = Path(__file__).parents[1] / "interfaces" / "vision_msgs" / "msg"


@functools.cache
def default_typestore() -> Typestore:
    """The types of ROS 2 Jazzy and vision_msgs, for reading and writing bags."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for path in sorted(DEFINITIONS.glob("*.msg")):
        types.update(get_types_from_msg(path.read_text(), f"vision_msgs/msg/{path.stem}"))
    store.register(types)
    return store


def typestore_for(connection: Connection) -> Typestore:
    """The types that the bag itself defines for `connection`, or else the default ones."""
    definition = connection.msgdef
    if definition.format == MessageDefinitionFormat.MSG and definition.data:
        store = get_typestore(Stores.EMPTY)
        try:
            store.register(get_types_from_msg(definition.data, connection.msgtype))
            return store
        except TypesysError:  # a definition that rosbags cannot parse
            pass
    return default_typestore()
