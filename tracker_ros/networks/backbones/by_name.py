"""Backbones by name. Each maps [B, 3, S, S] to [B, channels, cells(S), cells(S)].

An EfficientNet-Lite answers with three levels instead, which a ``PyramidNeck`` merges.
"""

from torch import nn

from .alexnet import AlexNet
from .efficientnet import EfficientNetLite
from .inception import InceptionV3
from .mobileone import MobileOne
from .resnet import ResNet


def make_backbone(config) -> nn.Module:
    """The backbone that ``config.backbone`` names, of the sizes that ``config`` gives.

    It has ``stride`` (input pixels for one cell), ``channels``, ``cells(size)``, and, to take in a
    label map, ``stem_channels`` and ``stem_padding``; one of several levels has ``levels``, their
    channels. Raises ValueError for an unknown name and for a MobileOne without sizes.
    """
    if config.backbone.startswith("efficientnet_"):
        return EfficientNetLite(config.backbone.removeprefix("efficientnet_"))
    if config.backbone == "mobileone":
        if not (config.widths and config.depths):
            raise ValueError("backbone is 'mobileone', but widths or depths are not given")
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
