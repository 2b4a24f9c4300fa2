"""A model in numbers, beside those of its paper."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...core.config import TrackingConfig
from ...core.errors import ModelError
from ...networks.blocks.convolutions import fuse
from ...networks.build import build, fitting, steps
from ...networks.presets import PRESETS
from .facts import make_facts
from .files import MEMORY_NETWORKS, STEPS, ModelFiles, find_model
from .macs import Macs, count
from .papers import PINNED
from .store import load_network


def describe(model: str | Path) -> dict:
    """Facts of a model or preset: parameters, MACs, memory, maps, training, the paper's figures.

    MACs are multiply-accumulates of one call of each step, with as many memorised frames as a
    tracker reads. ``frame`` is the sum for a frame that is located and memorised, where a shared
    trunk runs on one crop; ``layers`` is the same without the products of attention. A gate counts
    as if it chose CBAM, the most expensive branch. The bytes of a carried state are divided by the
    number of frames that it holds.

    Raises ModelError if ``model`` is neither a model that can be used nor a preset's name.
    """
    files, facts = _facts(model)
    architecture, sizes = facts["architecture"], facts["network"]
    tracking = TrackingConfig.from_dict(facts["tracking"])
    with torch.device("meta"):
        network = build(architecture, sizes)
        parameters = {"training": _size(network), "inference": _size(fuse(network))}
        parts = {name: _size(part) for name, part in network.named_children()}
        if sizes.get("gate") == "hard":  # it looks at values, of which there are none here
            network = fuse(build(architecture, {**sizes, "gate": "cbam"}))
    try:
        with fitting():
            counts, arrays = _count(network, architecture, tracking)
    except ModelError as error:
        where = f"model file {files.weights}: " if files else ""
        raise ModelError(f"{where}{error}") from error
    per_frame, read = _memory(arrays, architecture, tracking)
    frame = [counts[name] for name in counts if name != "start"]
    found = counts.get("match") or counts["locate"]
    paths = [files.weights, *map(files.graph, STEPS)] if files else []
    description = {
        "model": files.name if files else str(model),
        "architecture": architecture,
        "parameters": parameters,
        "parameters_by_part": parts,
        "macs": {name: step.total for name, step in counts.items()}
        | {
            "frame": sum(step.total for step in frame),
            "layers": sum(step.layers for step in frame),
        },
        "macs_by_part": {name: step.parts for name, step in counts.items()},
        "map": "x".join(str(side) for side in found.outputs[0].shape[1:]),
        "state": {name: "x".join(map(str, array.shape)) for name, array in arrays.items()},
        "frames_read": read,
        "bytes_per_memorised_frame": per_frame,
        "network": sizes,
        "tracking": tracking.to_dict(),  # also what is newer than the file
        "training": facts["training"],
        "files": [str(path) for path in paths if path.is_file()],
    }
    return description | {"paper": _beside(description)}


def _facts(model: str | Path) -> tuple[ModelFiles | None, dict]:
    """The files of a model and its facts; for a preset, no files. Raises ModelError."""
    try:
        files = find_model(model)
    except ModelError as error:
        if Path(model).suffix:  # a file
            raise
        if str(model) not in PRESETS:
            raise ModelError(f"{error} nor a preset ({', '.join(PRESETS)})") from error
        preset = PRESETS[str(model)]
        return None, make_facts(preset.architecture, preset.network.to_dict(), preset.tracking)
    return files, load_network(files.weights)[1]


def _count(network: nn.Module, architecture: str, tracking: TrackingConfig) -> tuple[dict, dict]:
    """MACs of each step, without values; the arrays of the state, by name."""
    made: dict[str, Macs] = {}
    arrays: dict[str, Any] = {}
    with torch.device("meta"):
        parts = steps(network, tracking)
    frames = tracking.memory_segments + 2  # spread ones, the first and the last
    order = ("start", "trunk", "remember", "learn", "locate", "match")
    for name in sorted(parts, key=order.index):
        step = parts[name]
        inputs = list(step.inputs.values())
        if step.dynamic:  # the memory, of as many frames as are read
            inputs[list(step.inputs).index("memory")] = arrays["tokens"].repeat(1, frames, 1)
        made[name] = count(network, step.module, *inputs)
        last = "learn" if "learn" in parts else "remember"
        if name == "start" or (name == last and architecture in MEMORY_NETWORKS):
            arrays |= dict(zip(step.outputs, made[name].outputs, strict=True))
        between = made[name].total - sum(made[name].parts.values())
        if between:
            made[name].parts["reader" if architecture in MEMORY_NETWORKS else "other"] = between
    arrays.pop("gate", None)
    return {name: made[name] for name in parts}, arrays


def _memory(arrays: dict, architecture: str, tracking: TrackingConfig) -> tuple[int, int]:
    """Bytes of a remembered frame, and frames that a query is matched with at most."""
    size = sum(array.nbytes for array in arrays.values())
    if architecture in MEMORY_NETWORKS:
        return size, tracking.memory_segments + 2
    return size // tracking.memory_capacity, tracking.memory_capacity


def _size(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


def _beside(description: dict) -> dict[str, dict[str, Any]]:
    """The figures that the model's paper pins, each with ours."""
    made = {}
    for place, theirs in PINNED.get(description["model"], {}).items():
        ours: Any = description
        for key in place.split("."):
            ours = ours[key]
        made[place] = {"paper": theirs, "ours": ours}
    return made
