"""Which topic the images of a transport are on, by image_transport's rule, and which others are."""

from collections.abc import Callable
from dataclasses import dataclass

from sensor_msgs.msg import CompressedImage, Image

from .message import MessageInput, type_name


@dataclass(frozen=True)
class Transports:
    """Images as they are, and compressed ones.

    name: of the topic, which one remaps. compressed: that transport's name. parameter: which of the
    two a node takes.
    """

    name: str
    compressed: str
    parameter: str

    def kind(self, transport: str):
        """The messages' class."""
        return Image if transport == "raw" else CompressedImage

    def topic(self, node, transport: str) -> str:
        """The full name of the topic.

        With ``-r image:=/cam/image_raw`` the transport ``compressed`` is on
        /cam/image_raw/compressed; a remapping of ``image/compressed`` itself has priority.
        """
        raw, ending = node.resolve_topic_name(self.name), f"/{self.compressed}"
        if transport == "raw":
            return raw
        remapped = node.resolve_topic_name(self.name + ending)
        unmapped = node.resolve_topic_name(self.name + ending, only_expand=True)
        if remapped != unmapped or raw.endswith(ending):
            return remapped if remapped != unmapped else raw
        return raw + ending

    def elsewhere(self, node, transport: str) -> str:
        """A clause about where the other transport's images are; empty where they are nowhere."""
        other = "raw" if transport == self.compressed else self.compressed
        usual, taken = self.topic(node, other), self.topic(node, transport)
        for topic in (usual, taken):
            infos = node.get_publishers_info_by_topic(topic)
            if any(info.topic_type == type_name(self.kind(other)) for info in infos):
                name = self.name if other == "raw" else f"{self.name}/{other}"
                remap = f" and remap {name} to it" if topic != usual else ""
                return f"; {topic} has {other} images: set {self.parameter} to {other}{remap}"
        return ""


IMAGE = Transports("image", "compressed", "image_transport")
DEPTH = Transports("depth/image", "compressedDepth", "depth_transport")


class TransportInput(MessageInput):
    """A subscription to images by one of two transports; the rest as in ``MessageInput``."""

    def __init__(self, node, transports: Transports, transport: str, on_image: Callable, profile):
        self._transports, self._transport = transports, transport
        kind, topic = transports.kind(transport), transports.topic(node, transport)
        super().__init__(node, kind, topic, on_image, profile)

    def publishers(self) -> str:
        """Who publishes what, in words; if nobody publishes ours, which topics have images."""
        words = super().publishers()
        if self._fitting():
            return words
        return words + self._transports.elsewhere(self._node, self._transport)
