"""Graphs in fewer bytes."""

from typing import Any

import numpy as np

LEAST = 1000  # values: what is smaller saves less than its Cast is worth


def compact(model: Any) -> None:
    """Store large constants of an ONNX model as float16 where that loses nothing.

    They are those whose every value a float16 holds exactly: the weights of a file in float16,
    but for those that a norm was folded into. A ``Cast`` makes float32 of them, so that the
    graph computes what it did, to the last bit. Runtimes fold it when they load the graph.

    Args:
        model: ``onnx.ModelProto``, changed in place.
    """
    import onnx

    casts = []
    for constant in model.graph.initializer:
        if constant.data_type != onnx.TensorProto.FLOAT or np.prod(constant.dims) < LEAST:
            continue
        values = onnx.numpy_helper.to_array(constant)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half, values):
            continue
        name = constant.name
        constant.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.float16"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [constant.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
