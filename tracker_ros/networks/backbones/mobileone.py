"""MobileOne trunk at stride 8 (Vasu et al., "MobileOne", CVPR 2023), the backbone of DASTM.

timm ships the same network, but timm imports torchvision, of which no CPU build is published for
the torch that we install; the trunk is short enough to own.
"""

from torch import Tensor, nn

from ..blocks.convolutions import RepConv, SeparableConv

# For each published variant: widths after the stem and the three stages; branches.
VARIANTS: dict[str, tuple[tuple[int, int, int, int], int]] = {
    "s0": ((48, 48, 128, 256), 4),
    "s1": ((64, 96, 192, 512), 1),
    "s2": ((64, 96, 256, 640), 1),
    "s3": ((64, 128, 320, 768), 1),
    "s4": ((64, 192, 448, 896), 1),
}
DEPTHS = (2, 8, 10)
LATE_SE = {"s4": 5}  # the last so many blocks of the third stage have squeeze-and-excitation


class MobileOne(nn.Module):
    """Stem and three stages; the third keeps its resolution: stride 8 (DASTM, sec. III-A).

    ``forward(x, extra)``: [B, 3, H, W] normalised image → [B, widths[3], H/8, W/8]. ``extra``
    ([B, widths[0], H/2, W/2] or None) is added to the stem's output: the memory branch's embedded
    label map (STMTrack, eq. 1).
    """

    stride = 8
    stem_padding = 1

    def __init__(
        self,
        widths: tuple[int, ...],
        depths: tuple[int, ...] = DEPTHS,
        branches: int = 1,
        scale: bool = False,
        late_se: int = 0,
    ):
        super().__init__()
        self.channels, self.stem_channels = widths[-1], widths[0]
        # One branch, whatever the blocks have: Apple's code.
        self.stem = RepConv(3, widths[0], stride=2, scale=scale)
        self.stages = nn.Sequential()
        for index, (depth, stride) in enumerate(zip(depths, (2, 2, 1), strict=True)):
            plain = depth - late_se if index == 2 else depth
            blocks = [
                SeparableConv(
                    widths[index + (block > 0)],
                    widths[index + 1],
                    1 if block else stride,
                    branches,
                    scale,
                    se=block >= plain,
                )
                for block in range(depth)
            ]
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, x: Tensor, extra: Tensor | None = None) -> Tensor:
        x = self.stem(x)
        if extra is not None:
            x = x + extra
        return self.stages(x)

    @staticmethod
    def cells(size: int) -> int:
        """Cells along a side of the map for ``size`` input pixels."""
        return -(-size // MobileOne.stride)
