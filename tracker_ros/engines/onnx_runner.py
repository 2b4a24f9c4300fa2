"""Runs exported graphs with ONNX Runtime; needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..core.errors import ModelError, brief
from .weights import KEY, NEXT, ModelFiles, check_seal, same_model, steps_of, unpack_facts

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxRunner:
    """``Runner`` over one ONNX Runtime session for each step.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``. threads: per session; 0 lets ONNX Runtime choose.
    Raises:
        ModelError: a file is missing, corrupt or of another model; the device's provider is not
            there or did not start, unless ``allow_cpu_fallback``.
    """

    def __init__(
        self,
        files: ModelFiles,
        device: str = "cpu",
        *,
        allow_cpu_fallback: bool = False,
        threads: int = 0,
    ):
        import onnxruntime

        self._runtime = onnxruntime
        kind, _, index = device.partition(":")
        wanted = PROVIDERS[kind]
        providers: list = ["CPUExecutionProvider"]
        if kind == "cuda":
            offered = wanted in onnxruntime.get_available_providers()
            if offered:
                providers.insert(0, (wanted, {"device_id": int(index or 0)}))
            elif not allow_cpu_fallback:
                raise ModelError(
                    f"device {device!r} was asked for, but this onnxruntime offers only "
                    f"{', '.join(onnxruntime.get_available_providers())}"
                )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Waiting threads that spin take the cores from the camera, the middleware and each other:
        # on two busy cores a frame took three times the CPU time and twice as long.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        first = files.graph("locate")
        session, self.facts = self._open(first, options, providers)
        self._sessions = {"locate": session}
        for step in steps_of(self.facts["architecture"]):
            if step not in self._sessions:
                session, facts = self._open(files.graph(step), options, providers)
                same_model(self.facts, first, facts, files.graph(step))
                self._sessions[step] = session
        self._inputs, self._outputs = {}, {}
        for step, session in self._sessions.items():
            self._inputs[step] = tuple(value.name for value in session.get_inputs())
            self._outputs[step] = tuple(
                value.name.removeprefix(NEXT) for value in session.get_outputs()
            )
        real = self._sessions["locate"].get_providers()[0]
        if real != wanted and not allow_cpu_fallback:
            raise ModelError(
                f"device {device!r} was asked for, but ONNX Runtime fell back to {real}"
            )
        self.provider = f"onnxruntime {real}"

    def _open(self, path: Path, options, providers):
        check_seal(path)
        try:
            session = self._runtime.InferenceSession(str(path), options, providers=providers)
            facts = session.get_modelmeta().custom_metadata_map.get(KEY)
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            raise ModelError(f"model file {path} cannot be loaded: {brief(error)}") from error
        return session, unpack_facts(facts, path)

    def inputs(self, step: str) -> Sequence[str]:
        """See ``Runner.inputs``."""
        return self._inputs[step]

    def outputs(self, step: str) -> Sequence[str]:
        """See ``Runner.outputs``."""
        return self._outputs[step]

    def run(self, step: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """See ``Runner.run``."""
        return self._sessions[step].run(None, dict(zip(self._inputs[step], inputs, strict=True)))

    def join(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """See ``Runner.join``."""
        return np.concatenate(arrays, 1)

    def numpy(self, array: np.ndarray) -> np.ndarray:
        """See ``Runner.numpy``."""
        return array
