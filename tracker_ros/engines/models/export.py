"""Export of weights: one ONNX graph for each step."""

import logging
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ...core.io.files import replacing
from ...networks.blocks.convolutions import fuse
from ...networks.build import check_steps, steps
from ...networks.step import Step
from .compact import compact
from .facts import KEY, STEP_KEY, WEIGHTS_KEY, fingerprint, pack_facts
from .files import NEXT, ModelFiles
from .seal import NO_SEAL, SEAL_KEY, seal
from .store import load_network

OPSET = 18


def export_model(weights: str | Path, folder: str | Path) -> list[Path]:
    """Write ``NAME.STEP.onnx`` for every step of the network in ``weights``; returns the paths.

    The graphs have the inputs and outputs of the steps (see ``networks``), hold the fused network,
    compute in float32 and carry the weights' facts and fingerprint. Weights of a file in float16
    stay in float16 (``compact``), so that the graphs of such a file are little more than half as
    large. Raises ModelError if the weights cannot be used. After an error all files are as before.
    """
    import onnx

    weights, folder = Path(weights), Path(folder)
    network, facts = load_network(weights)
    made_of = fingerprint(weights)
    tracking = TrackingConfig.from_dict(facts["tracking"])
    try:
        check_steps(network, tracking)
    except ModelError as error:
        raise ModelError(f"model file {weights}: {error}") from error
    fuse(network)
    files = ModelFiles(weights.stem, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for logger in ("torch.onnx", "onnx_ir", "onnxscript"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    told = pack_facts({**facts, "tracking": tracking.to_dict()})
    written = []
    with ExitStack() as parts:
        for name, step in steps(network, tracking).items():
            model = _graph(step)
            origin = {STEP_KEY: name, WEIGHTS_KEY: made_of}
            onnx.helper.set_model_props(model, {KEY: told, **origin, SEAL_KEY: NO_SEAL})
            written.append(files.graph(name))
            part = parts.enter_context(replacing(written[-1]))
            onnx.save(model, part)
            seal(part)
    return written


def _graph(step: Step) -> Any:
    """The ONNX model of a step, without metadata."""
    dynamic = tuple(
        {step.dynamic[key]: torch.export.Dim.DYNAMIC} if key in step.dynamic else {}
        for key in step.inputs
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations say nothing to a user
        program = torch.onnx.export(
            step.module.eval(),
            tuple(step.inputs.values()),
            dynamo=True,
            verbose=False,
            input_names=list(step.inputs),
            output_names=[NEXT * (output in step.inputs) + output for output in step.outputs],
            dynamic_shapes=(dynamic,) if step.dynamic else None,
            opset_version=OPSET,
            external_data=False,
        )
    assert program is not None  # it is for ``dynamo``
    model = program.model_proto
    _strip_traces(model.graph)
    compact(model)
    return model


def _strip_traces(graph) -> None:
    """Drop the exporter's stack traces: they name paths of the machine that exported."""
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _strip_traces(attribute.g)
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    del graph.metadata_props[:]
    graph.doc_string = ""
