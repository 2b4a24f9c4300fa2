"""The nodes' parameters: a table for each node, to declare, check and document them."""

from .follow_node import FOLLOW
from .on_node import declare, descriptor, initial_box, read, refusal, unknown
from .parameter import ACTIVATE, AT_ONCE, CONFIGURE, START, Parameter
from .player_node import PLAYER
from .tracker_node import TRACKER

__all__ = [
    "ACTIVATE",
    "AT_ONCE",
    "CONFIGURE",
    "FOLLOW",
    "NODES",
    "PLAYER",
    "START",
    "TRACKER",
    "Parameter",
    "declare",
    "descriptor",
    "initial_box",
    "read",
    "refusal",
    "unknown",
]

NODES = {"tracker_node": TRACKER, "player_node": PLAYER, "follow_node": FOLLOW}
