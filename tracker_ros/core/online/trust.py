"""Whether what is followed, or was found, still is the target: by what is usual for this one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..geometry.decode import Prediction
from .model import presence

OPINIONS = 5  # so many say how sure the network is of this target when it is there
OPINION_RATE = 0.5  # of a new opinion in the recent ones
# Of the logistic function of the recent opinions, as a share of the first ones.
OPINION_MIDPOINT, OPINION_SLOPE = 0.55, 25.0
# Evidence of the two witnesses that learn little or nothing of what is followed, while its response
# is as usual: the comparison's odds, or what the opinion says beside USUAL_OPINION of the first
# ones, whichever is higher: one of them fails where a target turns or stands in other light. Its
# running average begins for the target, and halves a score at EVIDENCE_MIDPOINT: the response has
# learned something else (docs/search.md).
USUAL_OPINION, ENOUGH, OPINION_ODDS = 0.85, 1.2, 8.0
FIRST_EVIDENCE, EVIDENCE_RATE = 2.0, 0.1
EVIDENCE_MIDPOINT, EVIDENCE_SLOPE = 0.15, 8.0
SURE = 0.7  # of the first opinions, for a target that is found again, without a refiner
CLEAR, USUAL_RATE = 0.8, 0.1  # of the usual response, where all of a target is seen; its average
FADED = 0.6  # of the usual response: below, a target is on its way behind something
# What speaks for a find: the opinion, as a share of the first ones; the response; and how likely
# the target is there by comparison with the first frame, logarithm of the odds. A logistic
# regression over what was found of 150 lost targets (docs/search.md).
OPINION, RESPONSE, ODDS = 2.0, 3.0, 0.65
COLOURS = 24.0  # and what its colours say for it; fitted on 2,860 finds, of other clips, too
NEEDED, FARTHER = 2.8, 3.6  # of it all, and more of what is not where the target was
DOUBTED = 3.0  # or where response and colours had learned what the other witnesses doubted
SUPPORT, STRONG = 1.2, 0.52  # of those odds, beside a response; higher ones say no more


@dataclass(frozen=True)
class Trust:
    """How far the network's opinion of what is followed has fallen (see ``Prediction.opinion``).

    Its scores differ from target to target, and are compared with those for this one.

    Attributes:
        first: mean of the first ``count`` opinions. recent: running average; None without one.
        usual: running average of responses to the target while all of it is seen.
        evidence: running average of what network and refiner say for the target while the response
            is as usual; 0 speaks neither for it nor against it.
    """

    first: float = 0.0
    count: int = 0
    recent: float | None = None
    usual: float = 0.0
    evidence: float = FIRST_EVIDENCE

    def after(
        self, opinion: float | None, strength: float = 0.0, odds: float | None = None
    ) -> Trust:
        """With one more opinion, response, and odds by the refiner; no opinion changes nothing."""
        if opinion is None:
            return self
        usual = self.usual
        if self.clear(strength):
            usual = usual + USUAL_RATE * (strength - usual) if usual else strength
        last = opinion if self.recent is None else self.recent
        recent = last + OPINION_RATE * (opinion - last)
        if self.count >= OPINIONS:
            evidence = self.evidence
            if odds is not None and self.clear(strength):
                alike = min(self.compared(opinion), ENOUGH) - USUAL_OPINION
                evidence += EVIDENCE_RATE * (max(odds, OPINION_ODDS * alike) - evidence)
            return replace(self, recent=recent, usual=usual, evidence=evidence)
        first = (self.first * self.count + opinion) / (self.count + 1)
        return Trust(first, self.count + 1, recent, usual)

    def compared(self, opinion: float) -> float:
        """An opinion as a share of the first ones."""
        return opinion / max(self.first, 1e-3)

    def clear(self, strength: float) -> bool:
        """Whether a response says that all of the target is seen."""
        return strength >= CLEAR * self.usual

    def faded(self, strength: float) -> bool:
        """Whether a response says that a good part of the target is hidden."""
        return strength < FADED * self.usual

    def seen(self, strength: float) -> float:
        """How much of the target a response shows: 1 for all, 0 where it has faded."""
        shown = strength / max(self.usual, 1e-3)
        return min(max((shown - FADED) / (CLEAR - FADED), 0.0), 1.0)

    @property
    def share(self) -> float:
        """What is left of a score: in [0, 1]."""
        if self.recent is None or self.count < OPINIONS:
            return 1.0
        against = -OPINION_SLOPE * (self.compared(self.recent) - OPINION_MIDPOINT)
        doubt = -EVIDENCE_SLOPE * (self.evidence - EVIDENCE_MIDPOINT)
        return 1 / ((1 + math.exp(against)) * (1 + math.exp(doubt)))

    def score(self, answer: Prediction, score: float) -> float:
        """How likely the target is there, by this answer and the opinions up to now.

        ``score``: by the response alone. A target before another background answers weakly, and
        what has learned another target answers strongly: where the refiner was asked, its
        comparison with the first frame counts, too.
        """
        if answer.refined is not None:
            strength = min(answer.strength, STRONG)
            score = float(presence(strength, SUPPORT * answer.refined.odds))
        return score * self.share

    def speaks(self, answer: Prediction, farther: float = 0.0, colours: float = 0.0) -> float:
        """How much more than is needed speaks for it that this is the answer to a lost target.

        ``farther``: 0 for what is where the target was, 1 for what is somewhere else.
        ``colours``: what they say for it; see ``Colours``.
        """
        if answer.opinion is None:
            return 0.0
        if answer.refined is None:
            return answer.opinion - SURE * self.first
        says = OPINION * min(self.compared(answer.opinion), 1.0)
        says += RESPONSE * answer.strength + ODDS * answer.refined.odds + COLOURS * colours
        doubted = DOUBTED if self.evidence < EVIDENCE_MIDPOINT else 0.0
        return says - NEEDED - max(FARTHER * farther, doubted)

    def again(self) -> Trust:
        """For a target that was found again."""
        return replace(self, recent=None, evidence=FIRST_EVIDENCE)
