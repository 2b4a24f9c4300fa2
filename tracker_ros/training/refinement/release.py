"""From a model without a refiner to one with it."""

import copy
import hashlib
from pathlib import Path

import torch
from torch import Tensor

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ...engines.models.files import SHARED_TRUNK, find_model
from ...engines.models.store import load_network, save_network
from ...networks.blocks.convolutions import fuse
from ...networks.blocks.refiner import BoxRefiner
from ...networks.build import build


class Base:
    """The model whose trunk the refiner looks through.

    Args:
        model: a shipped name or a .safetensors file. device: where the trunk runs.
    Attributes:
        network, facts: see ``load_network``. tracking: how it looks at images.
    Raises:
        ModelError: it cannot be used, or has no trunk whose features a refiner takes.
    """

    def __init__(self, model: str | Path, device: str = "cpu"):
        self.path = find_model(model).weights
        self.network, self.facts = load_network(self.path)
        self.tracking = TrackingConfig.from_dict(self.facts["tracking"])
        self.device = torch.device(device)
        values = self.facts["network"]
        if self.facts["architecture"] not in SHARED_TRUNK or not self.network.observes:
            known = ", ".join(SHARED_TRUNK)
            raise ModelError(
                f"model file {self.path} has no trunk whose features a refiner takes: it is a"
                f" {self.facts['architecture']} with filter={values.get('filter')}, not a {known}"
                " with filter=online"
            )
        self._trunk = fuse(copy.deepcopy(self.network)).to(self.device)

    @property
    def digest(self) -> str:
        """Of the trunk's weights: regions of another trunk are of no use."""
        digest = hashlib.sha256()
        for name, value in sorted(self.network.trunk.state_dict().items()):
            digest.update(name.encode() + value.numpy().tobytes())
        return digest.hexdigest()[:20]

    @property
    def side(self) -> float:
        """Cells along a target of the scale that crops are made for."""
        return self.tracking.target_side / self.tracking.stride

    def refiner(self, seed: int = 0, start: bool = False) -> BoxRefiner:
        """A refiner for this trunk, with random weights; ``start``: the model's own.

        Raises ModelError where it has none.
        """
        if not start:
            torch.manual_seed(seed)
            levels = self.network.trunk.levels
            return BoxRefiner(sum(levels), levels[0])
        if self.network.refiner is None:
            raise ModelError(f"model file {self.path} has no refiner to go on from")
        return copy.deepcopy(self.network.refiner)

    @torch.no_grad()
    def see(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops uint8 [B, S, S, 3] → what ``BoxRefiner.embedded`` takes, float32."""
        return self._trunk.observe(crops.to(self.device))[1:]

    def write(
        self,
        path: str | Path,
        refiner: BoxRefiner,
        facts: dict,
        half: bool = False,
        keep: float = 0.0,
    ) -> None:
        """Write the model with this refiner in it.

        Args:
            facts: of the refiner's training. half: as float16. keep: share of the model's own
                refiner in the mean of both that is written (WiSE-FT, Wortsman et al., CVPR 2022).
        """
        network = build(self.facts["architecture"], {**self.facts["network"], "refine": True})
        weights = {n: v for n, v in self.network.state_dict().items() if "refiner." not in n}
        own = self.network.refiner.state_dict() if keep else {}
        for name, value in refiner.state_dict().items():
            value = value.cpu()
            weights[f"refiner.{name}"] = keep * own[name] + (1 - keep) * value if keep else value
        network.load_state_dict(weights)
        training = {**self.facts["training"], "refiner": facts}
        save_network(path, network, self.facts["architecture"], self.tracking, training, half)
