"""Backbones by name. Each maps [B, 3, S, S] to [B, channels, cells(S), cells(S)].

An EfficientNet-Lite answers with three levels instead, which a ``PyramidNeck`` merges.
"""

from collections.abc import Iterator

from torch import nn

from .alexnet import AlexNet
from .efficientnet import EfficientNetLite
from .inception import InceptionV3
from .mobileone import MobileOne
from .resnet import ResNet

# How many numbers each setting has.
SIZES = {
    "mobileone": {"widths": 4, "depths": 3},
    "resnet50": {"widths": 4, "depths": 3},
    "alexnet": {"widths": 5},
}

# The settings that each looks at.
READ = {
    "mobileone": ("widths", "depths", "branches", "scale", "late_se"),
    "inception_v3": ("width",),
    "resnet50": ("widths", "depths", "dilation"),
    "alexnet": ("widths",),
}


def unread(backbone: str) -> Iterator[tuple[str, str]]:
    """The settings that this backbone does not look at, each with the reason."""
    read = READ.get(backbone, ())
    for name in sorted({name for names in READ.values() for name in names}.difference(read)):
        yield name, f"backbone is {backbone}"


def make_backbone(config) -> nn.Module:
    """The backbone that ``config.backbone`` names, of the sizes that ``config`` gives.

    It has ``stride`` (input pixels for one cell), ``channels``, ``cells(size)``, and, to take in a
    label map, ``stem_channels`` and ``stem_padding``; one of several levels has ``levels``, their
    channels. Raises ValueError for an unknown name and for more or fewer ``SIZES``.
    """
    for name, count in SIZES.get(config.backbone, {}).items():
        sizes = getattr(config, name)
        if len(sizes) != count:
            given = ", ".join(map(str, sizes)) or "not given"
            raise ValueError(f"{name} is {given}, but {config.backbone} takes {count} numbers")
    if config.backbone.startswith("efficientnet_"):
        return EfficientNetLite(config.backbone.removeprefix("efficientnet_"))
    if config.backbone == "mobileone":
        return MobileOne(
            config.widths, config.depths, config.branches, config.scale, config.late_se
        )
    if config.backbone == "inception_v3":
        return InceptionV3(config.width)
    if config.backbone == "resnet50":
        return ResNet(config.widths, config.depths, getattr(config, "dilation", 2))
    if config.backbone == "alexnet":
        return AlexNet(config.widths)
    raise ValueError(
        f"backbone is {config.backbone!r}, not mobileone, inception_v3, resnet50, alexnet or"
        " efficientnet_lite0 to lite2"
    )
