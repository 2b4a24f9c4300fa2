"""ONNX graphs in fewer bytes: constants in float16 where that loses nothing."""

from typing import Any

import numpy as np

LEAST = 1000  # values: what is smaller saves less than its Cast is worth


def compact(model: Any) -> None:
    """Store large constants of an ONNX model as float16 where that loses nothing.

    A constant is stored so if float16 holds each of its values exactly. Those are the weights of a
    file in float16, except where a norm was folded into them. A ``Cast`` turns them into float32:
    the graph computes the same as before, to the last bit. Runtimes fold the ``Cast`` when they
    load the graph.

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
