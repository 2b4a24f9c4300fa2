"""The node's attention image: where the query looks, while somebody subscribes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.errors import TrackerError
from ..runtime.answer import Answer, Target
from ..runtime.outputs.attention_view import AttentionView
from ..runtime.outputs.messages import draw_alone

if TYPE_CHECKING:
    from ..engines.attention import Explainer


class Attention:
    """Draws the first target's attention; its network is loaded for the first subscriber.

    Args:
        model: of the tracker. report: called with ``attention`` and the reason why there are no
            pictures, or None.
    """

    def __init__(self, model: str, report: Callable[[str, str | None], None]):
        self._model, self._report = model, report
        self._explainer: Explainer | None = None
        self._failed = False
        self._view = AttentionView()
        self._target: Target | None = None

    def draw(self, answer: Answer):
        """A picture, uint8 [H, W, 3] BGR; None without a target, and where torch is missing."""
        if answer.target is None or answer.knows is None or self._failed:
            return None
        if answer.target is not self._target:
            self._view, self._target = AttentionView(), answer.target
        picture = draw_alone(answer)
        explanation = None
        if answer.knows.query is not None:
            explainer = self._load()
            if explainer is None:
                return None
            explanation = explainer.explain(answer.knows)
        return self._view.draw(picture, explanation, answer.score, answer.latest_gate)

    def _load(self):
        if self._explainer is None:
            try:
                from ..engines.attention import Explainer

                self._explainer = Explainer(self._model)
            except (TrackerError, ImportError) as error:
                self._failed = True
                self._report("attention", f"no attention_image: {error}")
        return self._explainer
