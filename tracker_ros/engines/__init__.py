"""Runs networks for ``core.tracker.Tracker``: torch, ONNX Runtime, export from one to the other."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..core.config import ENGINES, PRECISIONS, TrackingConfig
from ..core.errors import ModelError, ParameterError, brief, missing
from ..core.search import Search
from ..core.tracker import Tracker
from .carried_engine import CarriedEngine
from .memory_engine import MemoryEngine
from .models.facts import make_facts
from .models.files import MEMORY_NETWORKS, ModelFiles, find_model
from .online_engine import OnlineEngine
from .runners.base import Runner

MOST_THREADS = 1024


def load_tracker(
    model: str | Path = "dastm",
    *,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "fp32",
    allow_cpu_fallback: bool = False,
    threads: int = 0,
    tracking: TrackingConfig | None = None,
) -> Tracker:
    """A warm tracker, ready for ``init``.

    Args:
        model: a shipped name, or a path to a ``.safetensors`` or ``.onnx`` file.
        engine: ``torch``, ``onnx``, ``tensorrt`` (ONNX Runtime's), or ``auto``: ONNX Runtime, or
            torch where only torch reaches the GPU.
        device: ``cpu``, ``cuda``, ``cuda:N``, or ``auto``: a GPU that can be used, otherwise the
            CPU. ``tracker.engine.provider`` says which one it is.
        precision: ``fp32``; ``bf16`` or ``fp16`` where hardware is faster at them, on torch and
            TensorRT only.
        allow_cpu_fallback: run on the CPU where the asked device is not there, instead of failing.
        threads: of one call of ONNX Runtime on the CPU; 0: one thread where calls run in parallel
            (``dastm``), otherwise ONNX Runtime chooses.
        tracking: an inference policy that replaces the one stored with the weights.
    Raises:
        ModelError: model or device cannot be used, or the engine's package is not installed.
        ParameterError: unknown engine, device or precision; threads or tracking that cannot be;
            half precision with ONNX Runtime.
    """
    engine = _checked(engine, device, precision, threads, tracking)
    files = find_model(model)
    engine, device = _resolve(files, engine, device)
    options = {"allow_cpu_fallback": allow_cpu_fallback, "tracking": tracking}
    runner = _open(files, engine, device, precision, threads, options)
    try:
        tracker = make_tracker(runner)
        _warm_up(tracker)
    except ModelError as error:
        raise ModelError(f"model {files.name!r} of {files.folder}: {error}") from error
    except Exception as error:  # each engine has its own; a sound model fails here for none
        raise ModelError(
            f"model {files.name!r} of {files.folder} cannot be run: {brief(error)}"
        ) from error
    return tracker


def _checked(
    engine: str, device: str, precision: str, threads: int, tracking: TrackingConfig | None
) -> str:
    """The engine, torch where half precision leaves no other. Raises ParameterError."""
    if engine not in ENGINES:
        raise ParameterError(f"engine is {engine!r}, not one of {', '.join(ENGINES)}")
    kind, colon, index = device.partition(":") if isinstance(device, str) else ("", "", "")
    numbered = kind == "cuda" and index.isdecimal()
    if kind not in ("auto", "cpu", "cuda") or (colon and not numbered):
        raise ParameterError(f"device is {device!r}, not auto, cpu, cuda or cuda:N")
    if type(threads) is not int or not 0 <= threads <= MOST_THREADS:
        raise ParameterError(f"threads is {threads!r}, not a whole number from 0 to {MOST_THREADS}")
    if precision not in PRECISIONS:
        raise ParameterError(f"precision is {precision!r}, not one of {', '.join(PRECISIONS)}")
    if precision != "fp32":
        if engine == "onnx":
            raise ParameterError(f"precision is {precision!r}, but the graphs of onnx are fp32")
        engine = "torch" if engine == "auto" else engine
    if engine == "tensorrt" and device == "cpu":
        raise ParameterError("engine is 'tensorrt', which runs on a GPU, but device is 'cpu'")
    if not isinstance(tracking, TrackingConfig | None):
        raise ParameterError(f"tracking is {type(tracking).__name__}, not a TrackingConfig")
    return engine


def _open(
    files: ModelFiles, engine: str, device: str, precision: str, threads: int, options: dict
) -> Runner:
    """The runner of an engine; ``options``: those that both have. Raises ModelError."""
    if engine == "torch":
        with _needs(engine, "onnx" if files.has_graphs else None):
            from .runners.torch_runner import TorchRunner
        return TorchRunner.open(files, device, precision, **options)
    with _needs(engine, "torch" if files.has_weights else None):
        from .runners.onnx_runner import OnnxRunner

        tensorrt = engine == "tensorrt"
        return OnnxRunner(
            files, device, threads=threads, tensorrt=tensorrt, precision=precision, **options
        )


@contextmanager
def _needs(engine: str, other: str | None) -> Iterator[None]:
    """A ModelError where a package is missing; ``other``: an engine that does without."""
    try:
        yield
    except ModuleNotFoundError as error:
        instead = f"; the {other} engine does without" if other else ""
        raise ModelError(missing(error, f"the {engine} engine") + instead) from error


def make_tracker(runner: Runner) -> Tracker:
    """A tracker, not yet warmed up, for the network that ``runner`` runs. Raises ModelError."""
    if "trunk" in runner.steps:
        return Tracker(OnlineEngine(runner))
    memory = runner.facts["architecture"] in MEMORY_NETWORKS
    return Tracker(MemoryEngine(runner) if memory else CarriedEngine(runner))


def network_tracker(
    network: Any, architecture: str, tracking: TrackingConfig, device: str = "cpu"
) -> Tracker:
    """A tracker of a copy of a torch network as it is now, for validation while it trains."""
    from .runners.torch_runner import TorchRunner

    facts = make_facts(architecture, network.config.to_dict(), tracking)
    return make_tracker(TorchRunner(copy.deepcopy(network), facts, device))


def _resolve(files: ModelFiles, engine: str, device: str) -> tuple[str, str]:
    """Settle what ``auto`` means here."""
    if engine == "tensorrt":
        return engine, "cuda" if device == "auto" else device
    if engine == "auto" and not files.has_weights:
        engine = "onnx"  # where there is no graph either, it names the one that is missing
    elif engine == "auto" and not files.has_graphs:
        engine = "torch"
    elif engine == "auto" and not _is_there("onnxruntime") and _is_there("torch"):
        engine = "torch"  # where neither is there, it is ONNX Runtime that is to be installed
    gpu = device.startswith("cuda") or (device == "auto" and any(Path("/dev").glob("nvidia[0-9]*")))
    if not gpu:
        return ("onnx" if engine == "auto" else engine), "cpu"
    asked = "cuda" if device == "auto" else device
    if engine != "torch" and _onnx_has_cuda():
        return "onnx", asked
    if engine != "onnx" and _torch_has_cuda():
        return "torch", asked
    return ("onnx" if engine == "auto" else engine), "cpu" if device == "auto" else device


def _is_there(package: str) -> bool:
    try:
        import_module(package)
    except ModuleNotFoundError:
        return False
    return True


def _onnx_has_cuda() -> bool:
    if not _is_there("onnxruntime"):
        return False
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _torch_has_cuda() -> bool:
    if not _is_there("torch"):
        return False
    import torch

    return torch.cuda.is_available()


def _warm_up(tracker: Tracker) -> None:
    # The first calls allocate and choose kernels, once for each number of memory frames. Another
    # scale, where there is one, makes it a thorough frame, in which every step is run.
    image = np.full((240, 320, 3), 127, np.uint8)
    image[100:140, 140:180] = 200
    box, config, engine = (140, 100, 40, 40), tracker.config, tracker.engine
    tracker.init(image, box)
    window = np.full((config.memory_size,) * 2 + (3,), 127, np.uint8)
    scale = 1 + config.scale_step if config.scale_step and engine.responds else None
    for _ in range(config.memory_segments + 2):
        search = Search.around(image, box, config, scale)
        tracker.settle(search, *engine.locate(search.crop, tracker.state, search.look), 0.0)
        tracker.learn(engine.remember(window, (30, 30, 40, 40), 1.0, tracker.state))
    tracker.reset()
