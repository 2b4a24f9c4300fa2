"""Runs exported graphs with ONNX Runtime; needs no torch."""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ...core.config import TrackingConfig
from ...core.errors import ModelError, brief
from ...core.io.names import utf8_name
from ...core.io.paths import cache_dir
from ..models.facts import (
    INT8_KEY,
    STEP_KEY,
    WEIGHTS_KEY,
    check_graphs,
    same_model,
    unpack_facts,
    with_tracking,
)
from ..models.files import NEXT, ModelFiles, steps_of
from ..models.seal import check_seal
from .base import Runner
from .cores import Sharing, cores

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
# What ONNX Runtime says before the reason: its number, the file, and its own file and function.
_SOURCE = re.compile(r"^\[ONNXRuntimeError\].*? failed:(?:/\S+:\d+ .*?\) )?")


class OnnxRunner(Runner):
    """``Runner`` over one ONNX Runtime session for each step.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``. threads: per session; 0 lets ONNX Runtime choose.
        tensorrt: let TensorRT compile the graphs for the GPU; the result is kept in the cache.
            precision: of TensorRT; the graphs themselves are fp32. tracking: replaces the files'
            own.
    Raises:
        ModelError: a file is missing, corrupt or of another model; the device's provider is not
            there or did not start, unless ``allow_cpu_fallback``.
    """

    batches = False  # graphs take one target; on a GPU the torch engine batches

    def __init__(
        self,
        files: ModelFiles,
        device: str,
        *,
        allow_cpu_fallback: bool,
        threads: int,
        tensorrt: bool,
        precision: str,
        tracking: TrackingConfig | None,
    ):
        import onnxruntime

        self._runtime = onnxruntime
        offered = onnxruntime.get_available_providers()
        asked = _providers(device, tensorrt, precision)
        wanted = asked[0][0]
        if wanted not in offered and not allow_cpu_fallback:
            what = f"TensorRT on {device!r}" if tensorrt else f"device {device!r}"
            raise ModelError(
                f"{what} was asked for, but this onnxruntime offers only {', '.join(offered)}"
            )
        providers = [provider for provider in asked if provider[0] in offered]
        first = files.first_graph
        # Calls of a shared trunk run side by side (``each``): operations of some ten microseconds
        # gain nothing from a second thread (docs/performance.md).
        one = int(first == files.graph("trunk"))
        options = _options(onnxruntime, threads or one)
        self._look_for(first, files)
        session, self.facts, made_of = self._open(first, options, providers)
        self.steps: Sequence[str] = steps_of(self.facts["architecture"])
        self._sessions = {}
        for step in self.steps:
            path = files.graph(step)
            if path == first:
                self._sessions[step] = session
            else:
                self._look_for(path, files)
                self._sessions[step], facts, its = self._open(path, options, providers)
                ours, theirs = self.facts | {WEIGHTS_KEY: made_of}, facts | {WEIGHTS_KEY: its}
                same_model(ours, first, theirs, path)
        check_graphs(files, self.facts, made_of)
        self.facts = with_tracking(self.facts, tracking, True)
        self._inputs = {
            step: tuple(value.name for value in opened.get_inputs())
            for step, opened in self._sessions.items()
        }
        self._outputs = {
            step: tuple(value.name.removeprefix(NEXT) for value in opened.get_outputs())
            for step, opened in self._sessions.items()
        }
        real = session.get_providers()[0]
        if real != wanted and not allow_cpu_fallback:
            raise ModelError(
                f"device {device!r} was asked for, but ONNX Runtime fell back to {real}"
            )
        eight = INT8_KEY in session.get_modelmeta().custom_metadata_map
        self.provider = f"onnxruntime {real}{', trunk in int8' if eight else ''}"
        self._side_by_side = real == CPU and cores() > 1
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0  # whose threads these are: they do not come along into a forked one

    @staticmethod
    def _look_for(path: Path, files: ModelFiles) -> None:
        """Raise ModelError where a graph is missing that could be made."""
        if not path.exists() and files.has_weights:
            raise ModelError(
                f"model file {path} does not exist: `tracker-ros export {files.weights}` writes"
                " the graphs, the torch engine does without"
            )

    def _open(self, path: Path, options, providers: list[tuple[str, dict]]):
        """A graph's session, its facts, and the fingerprint of what it was made of."""
        check_seal(path)
        try:
            with utf8_name(path) as name:
                session = self._runtime.InferenceSession(name, options, providers=providers)
            metadata = session.get_modelmeta().custom_metadata_map
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            said = brief(RuntimeError(_SOURCE.sub("", str(error))))
            raise ModelError(f"model file {path} cannot be loaded: {said}") from error
        facts, step = unpack_facts(metadata, path), path.stem.rpartition(".")[2]
        if metadata.get(STEP_KEY, step) != step:
            raise ModelError(f"model file {path} is not the step {step} but {metadata[STEP_KEY]}")
        return session, facts, metadata.get(WEIGHTS_KEY)

    def inputs(self, step: str) -> Sequence[str]:
        return self._inputs[step]

    def outputs(self, step: str) -> Sequence[str]:
        return self._outputs[step]

    def run(self, step: str, *inputs: np.ndarray) -> list[np.ndarray]:
        return self._sessions[step].run(None, dict(zip(self._inputs[step], inputs, strict=True)))

    def sharing(self) -> Sharing:
        """See ``Runner.sharing``: calls run in parallel on a CPU.

        When two cores work on different targets, they wait less than when they share each
        operation, and it works with any graph; docs/performance.md has what else was measured.
        """
        if not self._side_by_side:
            return Sharing()
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(cores() - 1, "onnxruntime")
            self._process = os.getpid()
        return Sharing(self._pool, cores() - 1)

    def join(self, arrays: Sequence[np.ndarray], axis: int) -> np.ndarray:
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis)

    def split(self, array: np.ndarray) -> list[np.ndarray]:
        """See ``Runner.split``: there is never more than one part."""
        return [array]

    def numpy(self, array: np.ndarray) -> np.ndarray:
        return array


def _options(runtime, threads: int):
    """ONNX Runtime's options of a session with so many threads; 0: it chooses."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads that spin take the cores from the camera, the middleware and each other: on
    # two busy cores a frame took three times the CPU time and twice as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _providers(device: str, tensorrt: bool, precision: str) -> list[tuple[str, dict]]:
    """Names and options of ONNX Runtime's providers, the best first."""
    kind, _, index = device.partition(":")
    if kind == "cpu":
        return [(CPU, {})]
    number = {"device_id": int(index or 0)}
    if not tensorrt:
        return [(CUDA, number), (CPU, {})]
    # It compiles anew for every length of the memory that is longer than those before: the warm-up
    # goes through all of them, so that this happens once in the life of a model on a machine.
    cache = str(cache_dir() / "tensorrt")
    kept = {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": cache,
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": cache,
    }
    halved = {} if precision == "fp32" else {f"trt_{precision}_enable": True}
    return [(TENSORRT, number | kept | halved), (CUDA, number), (CPU, {})]
