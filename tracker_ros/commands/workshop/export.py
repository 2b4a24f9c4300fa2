"""``tracker-ros export``: one ONNX file for each step of a tracker."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ..common.arguments import add_paths, name_argument, path_argument
from ..common.outputs import check_outputs

if TYPE_CHECKING:
    import numpy as np

MOST = 300  # pictures: more change no range by much


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("weights", type=path_argument, help="a .safetensors file")
    add_paths(parser, {"--output FOLDER": "default: the folder of the weights"})
    parser.add_argument(
        "--int8",
        type=name_argument,
        metavar="PICTURES",
        help="video, folder or bag: a shared trunk (dastm) computes in 8 bits, in the range that "
        "these pictures have in its layers; for processors with VNNI or its like",
    )


def run(args: argparse.Namespace) -> int:
    from ...engines.models.export import export_model
    from ...engines.models.facts import read_facts
    from ...engines.models.files import steps_of

    if args.weights.suffix != ".safetensors":  # its graphs could not be opened by their name
        raise ModelError(f"model file {args.weights} is not named NAME.safetensors")
    folder = args.output or args.weights.parent
    graphs = {path.name: path for path in folder.glob(f"{args.weights.stem}.*.onnx")}
    check_outputs([args.weights], graphs)
    crops = None
    if args.int8:  # before anything is written: there may be no trunk, and no pictures
        facts = read_facts(args.weights)
        if "trunk" not in steps_of(facts["architecture"]):
            raise ModelError(f"{args.weights} has no shared trunk that could be in 8 bits")
        crops = list(_squares(args.int8))
    written = export_model(args.weights, folder)
    if crops is not None:
        from ...engines.models.files import find_model
        from ...engines.models.quantise import quantise_trunk

        quantise_trunk(find_model(written[0]), crops)
    for path in written:
        print(path)
    return 0


def _squares(spec: str) -> Iterator[np.ndarray]:
    """The middle of pictures, uint8 [side, side, 3] BGR: of the first ``MOST``."""
    from ...sources import open_source

    with open_source(spec) as source:
        for frame in islice(source, MOST):
            height, width = frame.image.shape[:2]
            side = min(height, width)
            x, y = (width - side) // 2, (height - side) // 2
            yield frame.image[y : y + side, x : x + side]
