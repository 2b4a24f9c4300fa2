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
        topic: a name as for ``create_subscription``.
        on_message: called with each message.
        profile: the quality of service at first.
    """

    def __init__(self, node, kind, topic: str, on_message: Callable, profile=qos.RELIABLE):
        self._node, self._kind, self.topic, self._on_message = node, kind, topic, on_message
        self._subscription = None
        self._subscribe(profile)

    def _subscribe(self, profile) -> None:
        self.profile = profile
        self._create(incompatible_qos=self._on_incompatible_qos)

    def _create(self, **callbacks) -> None:
        events = qos.SubscriptionEventCallbacks(**callbacks)
        self._subscription = self._node.create_subscription(
            self._kind, self.topic, self._on_message, self.profile, event_callbacks=events
        )

    def destroy(self) -> None:
        """End the subscription."""
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
        self._subscription = None

    def _on_incompatible_qos(self, event) -> None:
        # Not from an event of the subscription that ends by it.
        self._node.executor.create_task(self._relax)

    def _relax(self) -> None:
        if self._subscription and self.profile is not qos.BEST_EFFORT:
            self.destroy()
            self._subscribe(qos.BEST_EFFORT)
            topic = self._node.resolve_topic_name(self.topic)
            self._node.get_logger().info(f"{topic}: subscribed {qos.describe(qos.BEST_EFFORT)}")
