"""Subscriptions to messages, whatever quality of service their publishers offer."""

from collections.abc import Callable

from .. import qos


class MessageInput:
    """A subscription that is reliable until a best-effort publisher comes; then it is best effort.

    A reliable subscription gets nothing from a best-effort publisher, as some detectors are; a
    best-effort one from the start might lose what others publish only once.

    Args:
        node: an rclpy node, in an executor.
        kind: the messages' class.
        topic: a name as for ``create_subscription``; the attribute ``topic`` is the full one.
        on_message: called with each message.
        profile: the quality of service at first.
    """

    def __init__(self, node, kind, topic: str, on_message: Callable, profile=qos.RELIABLE):
        self._node, self._kind, self._name, self._on_message = node, kind, topic, on_message
        self.topic = node.resolve_topic_name(topic)
        self._subscription = None
        self._subscribe(profile)

    def _subscribe(self, profile) -> None:
        self.profile = profile
        self._create(incompatible_qos=self._on_incompatible_qos)

    def _create(self, **callbacks) -> None:
        events = qos.SubscriptionEventCallbacks(**callbacks)
        self._subscription = self._node.create_subscription(
            self._kind, self._name, self._on_message, self.profile, event_callbacks=events
        )

    def destroy(self) -> None:
        """End the subscription."""
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
        self._subscription = None

    def publishers(self) -> str:
        """Who publishes what, in words; and what is wanted, if nobody publishes that."""
        infos = self._node.get_publishers_info_by_topic(self.topic)
        offers = [
            f"{name_of(info)} offers {info.topic_type} {qos.describe(info.qos_profile)}"
            for info in infos
        ]
        if infos and not self._fitting():
            offers[-1] += f", but {type_name(self._kind)} is wanted"
        return ", ".join(offers) or "nobody publishes it"

    def _fitting(self) -> list:
        """The endpoints that publish messages as we take them."""
        infos = self._node.get_publishers_info_by_topic(self.topic)
        return [info for info in infos if info.topic_type == type_name(self._kind)]

    def _on_incompatible_qos(self, event) -> None:
        # Not from an event of the subscription that ends by it.
        self._node.executor.create_task(self._relax)

    def _relax(self) -> None:
        if self._subscription and self.profile is not qos.BEST_EFFORT:
            self.destroy()
            self._subscribe(qos.BEST_EFFORT)
            self._node.get_logger().info(
                f"{self.topic}: subscribed {qos.describe(qos.BEST_EFFORT)}"
            )


class KeptInput(MessageInput):
    """What publishers keep for those who come later (transient local).

    There is a subscription only once ``look`` has found such a publisher: the others would warn.
    """

    def __init__(self, node, kind, topic: str, on_message: Callable):
        super().__init__(node, kind, topic, on_message, qos.KEPT)

    def _subscribe(self, profile) -> None:
        self.profile = profile

    def look(self) -> None:
        """Subscribe if there is something to be had."""
        offers = (info.qos_profile.durability for info in self._fitting())
        if self._subscription is None and qos.KEPT.durability in offers:
            super()._subscribe(qos.KEPT)

    def _on_incompatible_qos(self, event) -> None:
        pass  # of one that keeps nothing


def type_name(kind) -> str:
    """A message's class as topics name their type, such as "sensor_msgs/msg/Image"."""
    return f"{kind.__module__.partition('.')[0]}/msg/{kind.__name__}"


def name_of(info) -> str:
    """The node of an endpoint: its name is told apart from its topics, and may come later."""
    return "a node" if "UNKNOWN" in info.node_name else info.node_name
