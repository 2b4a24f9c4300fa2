"""The nodes' parameters: a table for each node, to declare, check and document them."""

from .follow_node import FOLLOW
from .player_node import PLAYER
from .select_node import SELECT
from .tracker_node import TRACKER

NODES = {
    "tracker_node": TRACKER,
    "select_node": SELECT,
    "player_node": PLAYER,
    "follow_node": FOLLOW,
}
