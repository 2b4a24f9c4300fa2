"""Runs a network with torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ...networks.blocks.convolutions import fuse
from ...networks.build import steps
from ..models.facts import with_tracking
from ..models.files import ModelFiles
from ..models.store import load_network
from .base import Runner
from .cores import Sharing
from .cuda_graphs import GraphedModule

# A process that is forked has none of its parent's threads, and torch would wait for them for ever.
os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))

HELPERS = 2  # on a GPU: of many targets two ask the network, and two learn (``core.batch``)
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchRunner(Runner):
    """``Runner`` over a torch network, which it fuses and moves to ``device`` in place.

    Args:
        facts: as ``models.facts.unpack_facts`` returns them.
        precision: of weights and features, a key of DTYPES; scores and boxes are float32 always.
    """

    batches = True

    def __init__(
        self, network: nn.Module, facts: dict, device: str = "cpu", precision: str = "fp32"
    ):
        self.facts, self._device = facts, torch.device(device)
        # torch's stubs know no ``memory_format`` here.
        convert: Any = fuse(network).to
        convert(self._device, DTYPES[precision], memory_format=torch.channels_last)
        tracking = TrackingConfig.from_dict(facts["tracking"])
        self._steps = steps(network, tracking)
        self.steps: Sequence[str] = tuple(self._steps)
        modules = {name: step.module.eval() for name, step in self._steps.items()}
        self._calls: dict[str, Callable[..., Any]] = dict(modules)
        self._pool: ThreadPoolExecutor | None = None
        if self._device.type == "cuda":
            self._pool = ThreadPoolExecutor(HELPERS, "torch")
            self._calls = {
                name: GraphedModule(part, self._device) for name, part in modules.items()
            }
        self.provider = f"torch {'' if precision == 'fp32' else precision + ' '}{self._device}"

    @classmethod
    def open(
        cls,
        files: ModelFiles,
        device: str = "cpu",
        precision: str = "fp32",
        *,
        allow_cpu_fallback: bool = False,
        tracking: TrackingConfig | None = None,
    ) -> TorchRunner:
        """The network of a model file on ``cpu``, ``cuda`` or ``cuda:N``.

        ``tracking`` replaces the file's own.

        Raises ModelError: the weights cannot be used; the device is not there, unless
        ``allow_cpu_fallback``.
        """
        found = torch.cuda.device_count()
        if device.startswith("cuda") and (torch.device(device).index or 0) >= found:
            if not allow_cpu_fallback:
                raise ModelError(
                    f"device {device!r} was asked for, but torch {torch.__version__} "
                    f"finds {found or 'no'} CUDA devices"
                )
            device = "cpu"
        network, facts = load_network(files.weights)
        return cls(network, with_tracking(facts, tracking, False), device, precision)

    def inputs(self, step: str) -> Sequence[str]:
        return tuple(self._steps[step].inputs)

    def outputs(self, step: str) -> Sequence[str]:
        return self._steps[step].outputs

    @torch.inference_mode()
    def run(self, step: str, *inputs: np.ndarray | Tensor) -> Sequence[Tensor]:
        return self._calls[step](*(self._tensor(value) for value in inputs))

    def _tensor(self, value: np.ndarray | Tensor) -> Tensor:
        if isinstance(value, Tensor):
            return value
        value = torch.from_numpy(np.ascontiguousarray(value))
        if self._device.type == "cuda":
            value = value.pin_memory()  # its copy need not be waited for
        return value.to(self._device, non_blocking=True)

    def sharing(self) -> Sharing:
        """See ``Runner.sharing``: on a GPU helpers wait for it, or learn, while others go on.

        On a CPU there are none: torch itself splits each call among the cores.
        """
        return Sharing(self._pool, HELPERS) if self._pool else Sharing()

    @torch.inference_mode()
    def join(self, arrays: Sequence[Tensor], axis: int) -> Tensor:
        return arrays[0] if len(arrays) == 1 else torch.cat(list(arrays), axis)

    @torch.inference_mode()
    def split(self, array: Tensor) -> Sequence[Tensor]:
        """See ``Runner.split``; these are copies, so that one part does not keep all in memory."""
        return [array] if len(array) == 1 else [part.clone() for part in array.split(1)]

    def array(self, value: np.ndarray) -> np.ndarray | Tensor:
        return self._tensor(value) if self._device.type == "cuda" else value

    @torch.inference_mode()
    def products(self, factors: Sequence[Any], array: Tensor) -> np.ndarray:
        """See ``Runner.products``; on a GPU one product for all, and one copy to the host."""
        if self._device.type != "cuda":
            return super().products(factors, array)
        found = torch.bmm(torch.stack(list(factors)), array.float().flatten(2))
        return self.numpy(found.unflatten(2, array.shape[2:]))

    def numpy(self, array: Tensor) -> np.ndarray:
        return array.float().cpu().numpy()
