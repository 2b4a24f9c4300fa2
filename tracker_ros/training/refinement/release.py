"""From a model without a refiner to one with it."""

import copy
import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ...engines.models.store import load_network, save_network
from ...engines.models.weights import SHARED_TRUNK, find_model
from ...networks.blocks.convolutions import fuse
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
        if self.facts["architecture"] not in SHARED_TRUNK or self.network.place is None:
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
        t = self.tracking
        return t.query_size / t.search_factor / t.stride

    @property
    def channels(self) -> int:
        """Of the features that the trunk gives for what is learned online."""
        size = self.tracking.query_size
        return self.see(torch.zeros(1, size, size, 3, dtype=torch.uint8)).shape[1]

    @torch.no_grad()
    def see(self, crops: Tensor) -> Tensor:
        """Crops uint8 [B, S, S, 3] → features for what is learned online, float32 [B, C, n, n]."""
        return self._trunk.see(crops.to(self.device))[-1].float()

    def write(self, path: str | Path, refiner: nn.Module, facts: dict, half: bool = False) -> None:
        """Write the model with this refiner in it. ``facts``: of the refiner's training."""
        network = build(self.facts["architecture"], {**self.facts["network"], "refine": True})
        weights = {n: v for n, v in self.network.state_dict().items() if "refiner." not in n}
        weights |= {f"refiner.{name}": value for name, value in refiner.state_dict().items()}
        network.load_state_dict({name: value.cpu() for name, value in weights.items()})
        training = {**self.facts["training"], "refiner": facts}
        save_network(path, network, self.facts["architecture"], self.tracking, training, half)
