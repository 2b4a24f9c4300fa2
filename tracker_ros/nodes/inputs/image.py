"""The camera's images: which topic, which quality of service, and what is lost on the way."""

from collections.abc import Callable

from rclpy.qos import qos_policy_name_from_kind
from sensor_msgs.msg import CompressedImage, Image

from .. import qos
from .message import MessageInput

KINDS = {"raw": Image, "compressed": CompressedImage}
TYPES = {"raw": "sensor_msgs/msg/Image", "compressed": "sensor_msgs/msg/CompressedImage"}
SUFFIX = "/compressed"
NAMES = {"raw": "image", "compressed": "image" + SUFFIX}


def image_topic(node, transport: str) -> str:
    """The full name of the image topic, by image_transport's rule: one remaps ``image``.

    With ``-r image:=/cam/image_raw`` the transport ``compressed`` subscribes to
    /cam/image_raw/compressed; a remapping of ``image/compressed`` itself has priority.
    """
    raw = node.resolve_topic_name("image")
    if transport == "raw":
        return raw
    remapped = node.resolve_topic_name("image" + SUFFIX)
    unmapped = node.resolve_topic_name("image" + SUFFIX, only_expand=True)
    if remapped != unmapped or raw.endswith(SUFFIX):
        return remapped if remapped != unmapped else raw
    return raw + SUFFIX


class ImageInput(MessageInput):
    """A subscription to the images that follows what their publishers offer.

    Args:
        node: an rclpy node, in an executor.
        transport: raw or compressed.
        profile: AUTO, which matches what is offered, or a name of ``qos.PRESETS``.
        on_image: called with each message.
        report: called with the subject ``qos`` and one sentence about it.
    """

    def __init__(self, node, transport: str, profile: str, on_image: Callable, report: Callable):
        self._transport, self._profile, self._report = transport, profile, report
        self._node, self.topic = node, image_topic(node, transport)
        self.lost = 0  # images that the middleware knows to be lost in transport
        super().__init__(node, KINDS[transport], self.topic, on_image, self._wanted())

    def _wanted(self):
        if self._profile == "AUTO":
            return qos.matching(info.qos_profile for info in self._fitting())
        # Of images that are lost on the way anyway (REP-2003) a tracker wants the newest only.
        return qos.NEWEST if self._profile == "SENSOR_DATA" else qos.PRESETS[self._profile]

    def _fitting(self) -> list:
        """The endpoints that publish images as we take them."""
        infos = self._node.get_publishers_info_by_topic(self.topic)
        return [info for info in infos if info.topic_type == TYPES[self._transport]]

    def _create(self, **callbacks) -> None:
        callbacks |= {"message_lost": self._on_message_lost}
        callbacks |= {"matched": lambda event: self._rematch_soon()}
        # Humble has no ``matched``; some middlewares do not tell of losses.
        for unknown in ("matched", "message_lost"):
            try:
                return super()._create(**callbacks)
            except (TypeError, RuntimeError):
                del callbacks[unknown]
        return super()._create(**callbacks)

    def rematch(self) -> None:
        """Subscribe again if another quality of service fits the publishers better."""
        if self._subscription is None or self._profile != "AUTO" or not self._fitting():
            return
        wanted = self._wanted()
        if not qos.same(wanted, self.profile):
            self.destroy()
            self._subscribe(wanted)
            self._node.get_logger().info(f"{self.topic}: subscribed {qos.describe(wanted)}")

    def _rematch_soon(self) -> None:
        # Not from an event of the subscription that ends by it.
        if self._node.executor:
            self._node.executor.create_task(self.rematch)

    def _on_message_lost(self, event) -> None:
        self.lost += event.total_count_change

    def _on_incompatible_qos(self, event) -> None:
        if self._profile == "AUTO":
            self._rematch_soon()
            return
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        self._report(
            "qos",
            f"a publisher offers incompatible quality of service ({policy}); asked"
            f" for {qos.describe(self.profile)}; {self.publishers()}",
        )

    def names(self) -> list[str]:
        """The names of the nodes whose images we can receive."""
        return sorted(_name(info) for info in self._fitting())

    def publishers(self) -> str:
        """Who publishes what, in words; if nobody publishes our topic, which topics have images."""
        offers = [_offer(info) for info in self._node.get_publishers_info_by_topic(self.topic)]
        words = ", ".join(offers) or "nobody publishes it"
        return words if self._fitting() else words + self._elsewhere()

    def _elsewhere(self) -> str:
        other = "raw" if self._transport == "compressed" else "compressed"
        usual = image_topic(self._node, other)
        for topic in (usual, self.topic):
            infos = self._node.get_publishers_info_by_topic(topic)
            if any(info.topic_type == TYPES[other] for info in infos):
                remap = f" and remap {NAMES[other]} to it" if topic != usual else ""
                return f"; {topic} has {other} images: set image_transport to {other}{remap}"
        return ""


def _offer(info) -> str:
    return f"{_name(info)} offers {info.topic_type} {qos.describe(info.qos_profile)}"


def _name(info) -> str:
    # A node's name is told apart from its topics, and may come later.
    return "a node" if "UNKNOWN" in info.node_name else info.node_name
