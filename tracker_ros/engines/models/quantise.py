"""A shared trunk in 8-bit integers, for processors that multiply them faster than float32."""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from ...core.errors import ModelError
from ...core.io.files import replacing
from .facts import INT8_KEY
from .files import ModelFiles
from .seal import NO_SEAL, SEAL_KEY, seal

ACTIVATIONS = ("Clip", "Relu")
# Convolutions at first that stay in float32: they cost as much, and make two fifths of the error.
FLOAT_FIRST = 3


def quantise_trunk(files: ModelFiles, crops: Sequence[np.ndarray]) -> None:
    """Replace the graph ``trunk`` of an exported model by one that computes in 8 bits.

    Static quantisation, with a scale for each channel of the weights; the range of each layer is
    that of its outputs on ``crops`` (Jacob et al., CVPR 2018). ReLU6 needs no operation, because it
    equals the range of the numbers. Stem and first block stay in float32.

    Args:
        crops: uint8 [S, S, 3] BGR, of any size; some hundred crops as the tracker may see them.
    Raises:
        ModelError: the model has no trunk of its own, or has an 8-bit one already.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    path = files.graph("trunk")
    if not path.is_file():
        raise ModelError(f"model {files.name!r} has no shared trunk that could be in 8 bits")
    graph = onnx.load(path)
    size = graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    told = {entry.key: entry.value for entry in graph.metadata_props}
    if INT8_KEY in told:
        raise ModelError(f"model file {path} is in 8 bits already")
    sized = (cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA) for crop in crops)
    inputs = ({"crop": crop[None]} for crop in sized)
    with tempfile.TemporaryDirectory() as folder, _silence():
        plain, made = Path(folder, "plain.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(path, plain, skip_symbolic_shape=True)
        quantize_static(
            plain,
            made,
            SimpleNamespace(get_next=partial(next, inputs, None)),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=_of_the_trunk(onnx.load(plain).graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(made)
    _round_once(model.graph)
    onnx.helper.set_model_props(model, told | {INT8_KEY: "trunk", SEAL_KEY: NO_SEAL})
    with replacing(path) as part:
        onnx.save(model, part)
        seal(part)


@contextmanager
def _silence() -> Iterator[None]:
    """Without the quantiser's advice to its own users."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _of_the_trunk(graph: Any) -> list[str]:
    """Convolutions but the first, and what adds two of their outputs; in their order.

    Not what follows for the target's sake.
    """
    makers = {output: node for node in graph.node for output in node.output}
    names, first = [], 0
    for node in graph.node:
        before = [makers[name].op_type for name in node.input if name in makers]
        summed = node.op_type == "Add" and len(before) == 2 and {*before} <= {"Conv", "Add"}
        first += node.op_type == "Conv"
        if summed or (node.op_type == "Conv" and first > FLOAT_FIRST):
            names.append(node.name)
    return names


def _round_once(graph: Any) -> None:
    """A convolution's output becomes an integer of the range behind its activation at once.

    The quantiser rounds it to its own range before: twice the operations, and a range that
    reaches far beyond what is left of it.
    """
    makers = {output: node for node in graph.node for output in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    dropped = []
    for node in graph.node:
        if node.op_type != "QuantizeLinear":
            continue
        chain = [makers.get(node.input[0])]
        while chain[-1] is not None and chain[-1].op_type in ACTIVATIONS:
            chain.append(makers.get(chain[-1].input[0]))
        if chain[-1] is None or chain[-1].op_type != "DequantizeLinear":
            continue
        first = makers[chain[-1].input[0]]
        layer = makers.get(first.input[0])
        alone = all(readers[made.output[0]] == 1 for made in (*chain, first))
        if layer is not None and layer.op_type == "Conv" and alone:
            node.input[0] = layer.output[0]
            dropped += [*chain, first]
    places = {id(node) for node in dropped}
    kept = [node for node in graph.node if id(node) not in places]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    constants = [value for value in graph.initializer if value.name in used]
    del graph.initializer[:]
    graph.initializer.extend(constants)
