"""The camera's images: which topic, which quality of service, and what is lost on the way."""

from collections.abc import Callable

from rclpy.qos import qos_policy_name_from_kind

from .. import qos
from .message import name_of
from .transport import IMAGE, TransportInput


class ImageInput(TransportInput):
    """A subscription to the images that follows what their publishers offer.

    Args:
        node: an rclpy node, in an executor.
        transport: raw or compressed.
        profile: AUTO, which matches what is offered, or a name of ``qos.PRESETS``.
        on_image: called with each message.
        report: called with the subject ``qos`` and one sentence about it.
    """

    def __init__(self, node, transport: str, profile: str, on_image: Callable, report: Callable):
        self._profile, self._report = profile, report
        self.lost = 0  # images that the middleware knows to be lost in transport
        super().__init__(node, IMAGE, transport, on_image, None)

    def _subscribe(self, profile) -> None:
        super()._subscribe(profile or self._wanted())

    def _wanted(self):
        if self._profile == "AUTO":
            return qos.matching(info.qos_profile for info in self._fitting())
        # Of images that are lost on the way anyway (REP-2003) a tracker wants the newest only.
        return qos.NEWEST if self._profile == "SENSOR_DATA" else qos.PRESETS[self._profile]

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
        return sorted(name_of(info) for info in self._fitting())
