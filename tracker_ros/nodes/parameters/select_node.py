"""The parameters of ``select_node``."""

from dataclasses import replace

from .parameter import START, Parameter
from .tracker_node import TRACKER

SELECT = (
    Parameter("tracker", "tracker_node", "Name of the tracker node."),
    Parameter(
        "host",
        "127.0.0.1",
        "The address that the page is served on: `127.0.0.1` for this machine alone, `0.0.0.0` for"
        " all that can reach it, who may then choose targets.",
    ),
    Parameter("port", 8080, "The page's port; 0: any that is free.", limits=(0, 65535)),
    *(replace(p, applies=START) for p in TRACKER if p.name in ("image_transport", "image_qos")),
)
