"""The papers' recipes: data sampling, losses, optimiser and schedule of each network."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor, nn

from ..core.config import TrackingConfig
from ..core.errors import ModelError
from ..networks.blocks.gate import LEARNT
from ..networks.presets import Preset
from .config import LossConfig, SamplingConfig, TrainingConfig
from .losses.corner import corner_loss
from .losses.memory import memory_loss
from .losses.siamese import response_loss, rpn_loss
from .samples.batches import Batch

Loss = Callable[[nn.Module, Batch, TrackingConfig, LossConfig], dict[str, Tensor]]


class Recipe(NamedTuple):
    """A paper's training.

    Attributes:
        training: values. loss: terms with ``total``, which is minimised.
        pretrained: what the paper's backbone was trained on before, or nothing.
        got10k: the training for GOT-10k's own rule, on that set alone, or None.
    """

    training: TrainingConfig
    loss: Loss
    pretrained: str = ""
    got10k: TrainingConfig | None = None


# Shares of samples in which something is another than in the picture, and how much.
ALTERED = (
    *("pasted", "mirrored", "grey", "occluder", "distractor", "look_alike", "rotation", "colour"),
    *("degraded", "low_light", "kin", "parts", "paste_motion"),
)

# Crops around the target with shift and scale, nothing else: no flips, colours, blur.
PLAIN = SamplingConfig(
    weights={"davis": 0.25, "video": 0.45, "voc": 0.3},
    # Of STMTrack's release; they are divided by their sum.
    ratios={
        "trackingnet": 0.65,
        "lasot": 0.3,
        "got10k": 0.2,
        "vid": 0.2,
        "det": 0.08,
        "coco": 0.07,
    },
    memory_frames=3,
    negative=0.33,
    crops="uniform",
    shift=0.8,  # a fifth of the window, which is 4 times the target
    scale=0.3,
    **dict.fromkeys(ALTERED, 0.0),
)

# What no paper prints is off: clipping, averaged weights, half precision.
PRINTED = TrainingConfig(clip=0.0, ema=0.0, precision="fp32", sampling=PLAIN)

STMTRACK = replace(
    PRINTED,
    batch=64,
    steps=20 * 300_000 // 64,
    optimiser="sgd",
    rate=0.08,
    backbone_rate=0.1,
    frozen=0.5,
    frozen_part="convolutions",
    frozen_stem=True,
    warmup=1 / 20,  # the first of 20 epochs, from .01
    warmup_rate=1 / 8,
    final_rate=1e-6 / 0.08,
)

GOT10K = {"got10k": 1.0}
STMTRACK_GOT10K = replace(
    STMTRACK,
    batch=32,
    steps=20 * 150_000 // 32,
    warmup_rate=1e-6 / 0.08,
    sampling=replace(PLAIN, ratios=GOT10K),
)

DASTM = replace(
    STMTRACK,
    batch=32,
    steps=20 * 30_000,
    rate=0.005,
    backbone_rate=1.0,
    frozen=4 / 20,  # until the fifth epoch begins, then all of it learns
    frozen_part="all",
    frozen_stem=False,
    warmup=0.0,
    schedule="log",
    final_rate=1e-4 / 0.005,
    losses=LossConfig(gate_balance=0.0),
)

# No paper's: for minutes or hours, on the trunk that ImageNet taught, which stays as it is.
ONLINE = TrainingConfig(
    frozen=1.0,
    losses=LossConfig(absent_everywhere=True),
    sampling=SamplingConfig(
        weights={
            "davis": 0.14,
            "video": 0.28,
            "video2": 0.08,
            "voc": 0.1,
            "masks": 0.2,
            "boxes": 0.02,
            "icons": 0.0,  # only to be pasted
            "paste": 0.18,
        },
        query_frames=2,
        drift=0.5,
        zoom=0.5,
        negative=0.15,
        shift=0.75,
    ),
)

STIF = replace(
    STMTRACK,
    batch=20,
    steps=20 * 150_000 // 20,
    losses=LossConfig(box=1.0),
    sampling=replace(PLAIN, memory_frames=4, causal=True),  # the anchor and T = 3
)
STIF_GOT10K = replace(STIF, sampling=replace(STIF.sampling, ratios=GOT10K))

# MixViT's sampling; the paper is silent on it, and on batch and epochs (MixViT's 500 of 60 000).
USTAM = replace(
    PRINTED,
    batch=32,
    steps=500 * 60_000 // 32,
    rate=1e-4,
    backbone_rate=0.1,
    clip=0.1,
    warmup=0.0,
    schedule="step",  # to 1e-5 at epoch 400
    drop=0.8,
    final_rate=0.1,
    losses=LossConfig(box=0.4),  # eq. 7's λ
    sampling=replace(
        PLAIN,
        memory_frames=2,  # the template and the online template
        query_frames=2,
        causal=True,
        max_gap=200,
        negative=0.0,
        ratios={"got10k": 1.0, "lasot": 1.0, "coco": 1.0, "trackingnet": 1.0},
        crops="normal",
        mirrored=0.5,
        grey=0.05,
        shift=2.25,  # MixViT's centre jitter of 4.5 is from one side to the other
        scale=0.5,
    ),
)

USTAM_GOT10K = replace(  # MixViT's
    USTAM, steps=500 * 15_000 // 32, sampling=replace(USTAM.sampling, ratios=GOT10K)
)

# The paper is silent on the samples of an epoch: 60 000 here. Rate of the backbone, share of
# negatives and the crops' shift and scale are SiamRPN++'s.
DASTSIAM = replace(
    DASTM,
    batch=12,
    steps=50 * 60_000 // 12,
    backbone_rate=0.1,
    frozen=10 / 50,
    warmup=10 / 50,  # as long as the backbone is frozen: the rate falls in "the remainder"
    warmup_rate=1.0,
    final_rate=0.0005 / 0.005,
    losses=LossConfig(box=1.2),
    sampling=replace(
        PLAIN,
        memory_frames=3,
        causal=True,
        max_gap=50,
        adjacent=True,
        negative=0.2,
        ratios={"lasot": 1.0, "vid": 1.0},
        crops="centred",
        shift=1.0,  # SiamRPN++'s 64 px and .18
        scale=0.18,
    ),
)

# SiamFC's own schedule, on DASTSiam's three templates. The response finds the scale by trying
# three: it has to learn at the right one.
SIAMFC = replace(
    DASTSIAM,
    batch=8,
    steps=50 * 53_200 // 8,
    rate=0.01,
    backbone_rate=1.0,
    frozen=0.0,
    warmup=0.0,
    final_rate=1e-5 / 0.01,
    weight_decay=5e-4,
    losses=LossConfig(),
    sampling=replace(DASTSIAM.sampling, negative=0.0, scale=0.0),
)

RECIPES = {
    "stmtrack": Recipe(STMTRACK, memory_loss, "ImageNet", STMTRACK_GOT10K),
    "dastm": Recipe(DASTM, memory_loss, "ImageNet"),
    "dastm_filter": Recipe(ONLINE, memory_loss, "ImageNet"),
    "stif": Recipe(STIF, memory_loss, "ImageNet", STIF_GOT10K),
    "ustam": Recipe(USTAM, corner_loss, "ImageNet, by MAE", USTAM_GOT10K),
    "dastsiam": Recipe(DASTSIAM, rpn_loss, "ImageNet"),
    "siamfc": Recipe(SIAMFC, response_loss),  # from noise, as SiamFC does
}


# Of the options that not every loss looks at, those that it does.
READ: dict[Loss, tuple[str, ...]] = {
    memory_loss: (
        *("classification", "centerness", "box", "focal_alpha", "focal_gamma"),
        *("absent_everywhere", "query_frames"),
    ),
    corner_loss: ("box", "query_frames"),
    rpn_loss: ("classification", "centerness", "box", "assignment"),
    response_loss: ("classification",),
}
GATED = ("gate_balance", "gate_budget", "budget")  # where a gate learns


def idle(preset: Preset) -> dict[str, str]:
    """Fields of losses and samples that such a network's loss does not look at, with the reason."""
    read = READ[recipe(preset.architecture).loss]
    reason = f"the loss of {preset.architecture} does not look at it"
    every = {name for names in READ.values() for name in names}
    found = dict.fromkeys(every.difference(read), reason)
    if getattr(preset.network, "gate", "") not in LEARNT:
        found |= dict.fromkeys(GATED, "the network has no gate that learns")
    return found


def recipe(architecture: str) -> Recipe:
    """The recipe of an architecture. Raises ModelError where there is none."""
    if architecture not in RECIPES:
        raise ModelError(
            f"there is no recipe to train {architecture!r}; there is {', '.join(RECIPES)}"
        )
    return RECIPES[architecture]


def short(training: TrainingConfig) -> TrainingConfig:
    """A recipe for minutes or hours and small data: AdamW, cosine, strong augmentation.

    What the network needs of a sample (numbers and order of frames, a fixed scale, no negatives)
    and the losses are kept; what keeps a gate's branches in use is added.
    """
    paper = training.sampling
    frames = ("max_gap", "memory_frames", "query_frames", "causal", "adjacent")
    sampling = replace(SamplingConfig(), **{name: getattr(paper, name) for name in frames})
    nothing = {name: 0.0 for name in ("scale", "negative") if not getattr(paper, name)}
    losses = replace(training.losses, gate_balance=LossConfig.gate_balance)
    return TrainingConfig(losses=losses, sampling=replace(sampling, **nothing))
