"""Steps of a network on a GPU, recorded once and launched as a whole from then on."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# More shapes than a stream of targets has; each recording keeps its own buffers on the device.
GRAPHS = 32
WARM_UPS = 3  # calls before a recording: libraries choose their kernels in them


@contextmanager
def _fastest_kernels() -> Iterator[None]:
    """Let cuDNN search for its fastest kernels; only here, for a training wants the same ones."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


class CapturedGraph:
    """One module's CUDA graph for inputs of fixed shapes, with its input and output buffers."""

    def __init__(self, module: nn.Module, inputs: Sequence[Tensor]):
        self._inputs = [value.clone() for value in inputs]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                module(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads of the process may use the GPU meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outputs = module(*self._inputs)

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        for buffer, value in zip(self._inputs, inputs, strict=True):
            buffer.copy_(value, non_blocking=True)
        self._graph.replay()
        return [output.clone() for output in self._outputs]  # the next call overwrites them


class GraphedModule:
    """A module whose calls are replayed as one launch: hundreds of launches cost milliseconds.

    Calls from several threads take turns. After ``GRAPHS`` different shapes, further shapes call
    the module without a graph.
    """

    def __init__(self, module: nn.Module, device: torch.device):
        self._module, self._device = module, device
        self._graphs: dict[tuple, CapturedGraph] = {}
        self._turn = threading.Lock()

    def __call__(self, *inputs: Tensor) -> Sequence[Tensor]:
        key = tuple((value.shape, value.dtype) for value in inputs)
        with self._turn, torch.cuda.device(self._device):
            if key not in self._graphs:
                if len(self._graphs) == GRAPHS:
                    return self._module(*inputs)
                with _fastest_kernels():
                    self._graphs[key] = CapturedGraph(self._module, inputs)
            return self._graphs[key](inputs)
