"""SiamFC's AlexNet-like backbone (Bertinetto et al., ECCV-W 2016, table 1). No padding."""

from torch import Tensor, nn


class AlexNet(nn.Module):
    """Five convolutions: [B, 3, H, W] normalised → [B, widths[4], cells(H), cells(W)].

    127 pixels become 6 cells, 255 become 22, 8 pixels apart. The last convolution has neither
    normalisation nor ReLU.

    Args:
        widths: channels of the five convolutions; the paper's are (96, 256, 384, 384, 256).
    """

    stride = 8

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        first, second, third, fourth, self.channels = widths
        self.layers = nn.Sequential(
            nn.Conv2d(3, first, 11, 2),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(first, second, 5, groups=2),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(second, third, 3),
            nn.BatchNorm2d(third),
            nn.ReLU(),
            nn.Conv2d(third, fourth, 3, groups=2),
            nn.BatchNorm2d(fourth),
            nn.ReLU(),
            nn.Conv2d(fourth, self.channels, 3, groups=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    @staticmethod
    def cells(size: int) -> int:
        """Cells along a side of the map for ``size`` input pixels."""
        pooled = ((size - 11) // 2 - 2) // 2 + 1
        return (pooled - 4 - 3) // 2 + 1 - 6
