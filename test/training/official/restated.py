"""Other people's networks, written down layer by layer under their own names for tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


class Official:
    """A checkpoint that grows as a network is re-stated: what is first named is made."""

    def __init__(self, seed: int = 0):
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors: dict[str, Tensor] = {}

    def get(self, name: str, *shape: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
        if name not in self.tensors:
            drawn = torch.randn(shape, generator=self.generator)
            self.tensors[name] = drawn * scale + shift
        return self.tensors[name]

    def conv(self, name: str, x: Tensor, outputs: int, kernel=1, bias=False, groups=1, **options):
        rows, columns = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        inner = x.shape[1] // groups
        scale = (2 / (inner * rows * columns)) ** 0.5
        weight = self.get(f"{name}.weight", outputs, inner, rows, columns, scale=scale)
        added = self.get(f"{name}.bias", outputs, scale=0.1) if bias else None
        return F.conv2d(x, weight, added, groups=groups, **options)

    def norm(self, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
        c = x.shape[1]
        mean = self.get(f"{name}.running_mean", c, scale=0.1)
        variance = self.get(f"{name}.running_var", c, scale=0.1, shift=1).abs_()
        weight = self.get(f"{name}.weight", c, scale=0.1, shift=1)
        bias = self.get(f"{name}.bias", c, scale=0.1)
        self.tensors.setdefault(f"{name}.num_batches_tracked", torch.tensor(7))
        return F.batch_norm(x, mean, variance, weight, bias, eps=eps)

    def linear(self, name: str, x: Tensor, outputs: int) -> Tensor:
        inputs = x.shape[-1]
        weight = self.get(f"{name}.weight", outputs, inputs, scale=inputs**-0.5)
        return F.linear(x, weight, self.get(f"{name}.bias", outputs, scale=0.1))

    def layer_norm(self, name: str, x: Tensor, eps: float = 1e-6) -> Tensor:
        weight = self.get(f"{name}.weight", x.shape[-1], scale=0.1, shift=1)
        return F.layer_norm(x, x.shape[-1:], weight, self.get(f"{name}.bias", x.shape[-1]), eps)

    def extra(self, *names: str) -> None:
        """Tensors that our networks have no use for."""
        for name in names:
            self.get(name, 3)

    def save(self, path, wrapper: str | None = None):
        torch.save({wrapper: self.tensors} if wrapper else self.tensors, path)
        return path


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALVES = ((0.5,) * 3, (0.5,) * 3)


def crops(*shape: int) -> Tensor:
    """Random crops as ours come: uint8 BGR [..., 3]."""
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8)


def rgb(crops: Tensor, mean=(0.0,) * 3, std=(1.0,) * 3) -> Tensor:
    """uint8 BGR [B, S, S, 3] → RGB [B, 3, S, S], (pixels / 255 - mean) / std."""
    x = crops.flip(3).permute(0, 3, 1, 2) / 255
    return (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def inception(official, x: Tensor, prefix: str = "", label: Tensor | None = None) -> Tensor:
    """torchvision's Inception-v3 to Mixed_6e as STMTrack cuts it; ``x``: RGB in [-1, 1]."""

    def unit(name: str, x: Tensor, outputs: int, kernel=1, **options) -> Tensor:
        x = official.conv(f"{prefix}{name}.conv", x, outputs, kernel, **options)
        return torch.relu(official.norm(f"{prefix}{name}.bn", x, 1e-3))

    def five(name: str, x: Tensor, pooled: int) -> Tensor:
        a = unit(f"{name}.branch1x1", x, 64)
        b = unit(f"{name}.branch5x5_1", x, 48)
        b = unit(f"{name}.branch5x5_2", b, 64, 5, padding=2)
        c = unit(f"{name}.branch3x3dbl_1", x, 64)
        c = unit(f"{name}.branch3x3dbl_2", c, 96, 3, padding=1)
        c = unit(f"{name}.branch3x3dbl_3", c, 96, 3, padding=1)
        d = unit(f"{name}.branch_pool", F.avg_pool2d(x, 3, 1, 1), pooled)
        return torch.cat([a, b, c, d], 1)

    def reduction(name: str, x: Tensor) -> Tensor:
        a = unit(f"{name}.branch3x3", x, 384, 3, stride=2)
        b = unit(f"{name}.branch3x3dbl_1", x, 64)
        b = unit(f"{name}.branch3x3dbl_2", b, 96, 3, padding=1)
        b = unit(f"{name}.branch3x3dbl_3", b, 96, 3, stride=2)
        return torch.cat([a, b, F.max_pool2d(x, 3, 2)], 1)

    def seven(name: str, x: Tensor, c: int) -> Tensor:
        row, column = ((1, 7), (0, 3)), ((7, 1), (3, 0))
        a = unit(f"{name}.branch1x1", x, 192)
        b = unit(f"{name}.branch7x7_1", x, c)
        for number, (outputs, (kernel, padding)) in enumerate(((c, row), (192, column)), start=2):
            b = unit(f"{name}.branch7x7_{number}", b, outputs, kernel, padding=padding)
        d = unit(f"{name}.branch7x7dbl_1", x, c)
        chain = ((c, column), (c, row), (c, column), (192, row))
        for number, (outputs, (kernel, padding)) in enumerate(chain, start=2):
            d = unit(f"{name}.branch7x7dbl_{number}", d, outputs, kernel, padding=padding)
        e = unit(f"{name}.branch_pool", F.avg_pool2d(x, 3, 1, 1), 192)
        return torch.cat([a, b, d, e], 1)

    x = unit("Conv2d_1a_3x3", x, 32, 3, stride=2)
    if label is not None:
        x = x + official.conv(f"{prefix}proj_fg_bg_label_map", label, 32, 3, stride=2)
    x = unit("Conv2d_2b_3x3", unit("Conv2d_2a_3x3", x, 32, 3), 64, 3, padding=1)
    x = unit("Conv2d_3b_1x1", F.max_pool2d(x, 3, 2), 80)
    x = unit("Conv2d_4a_3x3", x, 192, 3)
    for name, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        x = five(f"Mixed_{name}", x, pooled)
    x = reduction("Mixed_6a", x)
    for name, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        x = seven(f"Mixed_{name}", x, channels)
    return x[:, :, 4:-4, 4:-4]


def stmtrack(official, memory: Tensor, labels: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """STMTrack's release: memory [T, 3, S, S] and query [1, 3, S, S], RGB in [-1, 1].

    Returns scores [h, w] and boxes [4, h, w], left, top, right, bottom.
    """
    fm = inception(official, memory, "basemodel_m.", labels)
    fm = official.conv("neck_m.adjustor", fm, 512, 3, bias=True, padding=1)
    fq = inception(official, query, "basemodel_q.")
    fq = official.conv("neck_q.adjustor", fq, 512, 3, bias=True, padding=1)
    rows = fm.permute(1, 0, 2, 3).reshape(512, -1)  # C, THW
    weight = torch.softmax(rows.T @ fq[0].flatten(1) / 512**0.5, 0)
    y = torch.cat([(rows @ weight).view_as(fq), fq], 1)
    features = []
    for tower in ("cls_ctr", "reg"):
        x = official.conv(f"head.{tower}.conv1", y, 256, 3, bias=True, padding=1)
        for layer in range(1, 12, 2):
            name = f"head.{tower}.conv_layers.{layer}"
            x = official.conv(name, torch.relu(x), 256, 3, bias=True, padding=1)
        features.append(x)

    def output(name: str, x: Tensor, outputs: int) -> Tensor:
        x = official.conv(f"head.{name}.conv", x, outputs, bias=True)
        return official.norm(f"head.{name}.bn", x)

    score = output("cls_score", features[0], 1).sigmoid()
    score = score * output("ctr_score", features[0], 1).sigmoid()
    gain, shift = official.get("head.si", scale=0.1, shift=1), official.get("head.bi", scale=0.1)
    offsets = torch.exp(gain * output("reg_offsets", features[1], 4) + shift)[0] * 8
    cells, size = offsets.shape[1], query.shape[2]
    centres = torch.arange(cells) * 8 + (size - 1 - (cells - 1) * 8) // 2
    x, y = centres[None], centres[:, None]
    boxes = torch.stack([x - offsets[0], y - offsets[1], x + offsets[2], y + offsets[3]])
    return score[0, 0], boxes


def alexnet(official, x: Tensor) -> Tensor:
    """siamfc-pytorch's AlexNetV1; ``x``: RGB in 0 to 255."""

    def block(number: int, x: Tensor, outputs: int, kernel: int, groups: int = 1, stride: int = 1):
        name = f"backbone.conv{number}"
        x = official.conv(f"{name}.0", x, outputs, kernel, True, groups, stride=stride)
        return torch.relu(official.norm(f"{name}.1", x, 1e-6))

    x = F.max_pool2d(block(1, x, 96, 11, stride=2), 3, 2)
    x = F.max_pool2d(block(2, x, 256, 5, 2), 3, 2)
    x = block(4, block(3, x, 384, 3), 384, 3, 2)
    return official.conv("backbone.conv5.0", x, 256, 3, True, 2)


def resnet(official, x: Tensor, dilation: int) -> Tensor:
    """torchvision's ResNet-50 to its third stage, which keeps its resolution."""
    x = official.norm("bn1", official.conv("conv1", x, 64, 7, stride=2, padding=3))
    x = F.max_pool2d(torch.relu(x), 3, 2, 1)
    for stage, (depth, stride) in enumerate(((3, 1), (4, 2), (6, 1)), start=1):
        middle = 32 * 2**stage
        for block in range(depth):
            name, step = f"layer{stage}.{block}", stride if block == 0 else 1
            wide = dilation if stage == 3 and block else 1
            y = torch.relu(official.norm(f"{name}.bn1", official.conv(f"{name}.conv1", x, middle)))
            y = official.conv(
                f"{name}.conv2", y, middle, 3, stride=step, padding=wide, dilation=wide
            )
            y = torch.relu(official.norm(f"{name}.bn2", y))
            y = official.norm(f"{name}.bn3", official.conv(f"{name}.conv3", y, 4 * middle))
            if block == 0:
                x = official.conv(f"{name}.downsample.0", x, 4 * middle, stride=step)
                x = official.norm(f"{name}.downsample.1", x)
            x = torch.relu(x + y)
    return x


def mobileone(official, x: Tensor, widths, branches: int, late_se: int) -> Tensor:
    """Apple's MobileOne to its third stage, which keeps its resolution, branch by branch."""

    def block(name: str, x: Tensor, outputs: int, kernel: int, stride: int, groups: int, se: bool):
        total, padding = 0, kernel // 2
        if x.shape[1] == outputs and stride == 1 and name != "stage3.0":  # published at stride 2
            total = total + official.norm(f"{name}.rbr_skip", x)
        if kernel > 1:
            scaled = official.conv(
                f"{name}.rbr_scale.conv", x, outputs, 1, False, groups, stride=stride
            )
            total = total + official.norm(f"{name}.rbr_scale.bn", scaled)
        for index in range(1 if name == "stage0" else branches):
            part = f"{name}.rbr_conv.{index}"
            convolved = official.conv(
                f"{part}.conv", x, outputs, kernel, False, groups, stride=stride, padding=padding
            )
            total = total + official.norm(f"{part}.bn", convolved)
        if se:
            pooled = total.mean((2, 3), keepdim=True)
            pooled = torch.relu(
                official.conv(f"{name}.se.reduce", pooled, outputs // 16, bias=True)
            )
            total = total * official.conv(f"{name}.se.expand", pooled, outputs, bias=True).sigmoid()
        return torch.relu(total)

    x = block("stage0", x, widths[0], 3, 2, 1, False)
    for stage, (depth, stride) in enumerate(((2, 2), (8, 2), (10, 1)), start=1):
        for index in range(depth):
            se = stage == 3 and index >= depth - late_se
            c, name = x.shape[1], f"stage{stage}"
            x = block(f"{name}.{2 * index}", x, c, 3, 1 if index else stride, c, se)
            x = block(f"{name}.{2 * index + 1}", x, widths[stage], 1, 1, 1, se)
    return x


def efficientnet(official, x: Tensor, stages) -> list[Tensor]:
    """EfficientNet-Lite of efficientnet-lite-pytorch: ``stages`` of (expansion, channels, kernel,
    stride, repeats); the outputs of each stage."""

    def same(x: Tensor, kernel: int, stride: int) -> Tensor:
        total = max((-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1], 0)
        return F.pad(x, (total // 2, total - total // 2) * 2)

    def unit(
        conv: str, norm: str, x: Tensor, outputs: int, kernel=1, stride=1, groups=1, active=True
    ):
        x = official.conv(
            conv, same(x, kernel, stride), outputs, kernel, groups=groups, stride=stride
        )
        x = official.norm(norm, x, 1e-3)
        return x.clamp(0, 6) if active else x

    x, number, found = unit("_conv_stem", "_bn0", x, 32, 3, 2), 0, []
    for expansion, channels, kernel, stride, repeats in stages:
        for index in range(repeats):
            name, y, middle = f"_blocks.{number}", x, x.shape[1] * expansion
            if expansion > 1:
                y = unit(f"{name}._expand_conv", f"{name}._bn0", y, middle)
            step = 1 if index else stride
            y = unit(f"{name}._depthwise_conv", f"{name}._bn1", y, middle, kernel, step, middle)
            y = unit(f"{name}._project_conv", f"{name}._bn2", y, channels, active=False)
            x = x + y if index else y
            number += 1
        found.append(x)
    return found


def positions(cells: int, channels: int) -> Tensor:
    """MAE's sine and cosine code of a grid, columns first: [1, cells², channels]."""
    half = channels // 2
    omega = 1 / 10000 ** (torch.arange(half // 2, dtype=torch.float64) / (half / 2))
    rows, columns = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
    parts = []
    for place in (columns, rows):
        angle = place.reshape(-1, 1).double() * omega
        parts += [angle.sin(), angle.cos()]
    return torch.cat(parts, 1).float()[None]


def vit_block(official, name: str, x: Tensor, templates: int, heads: int) -> Tensor:
    """A block of MixViT: the first ``templates`` tokens see each other, the rest see all."""
    y = official.layer_norm(f"{name}.norm1", x)
    c = x.shape[2]
    qkv = official.linear(f"{name}.attn.qkv", y, 3 * c)
    q, k, v = qkv.view(*qkv.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
    seen = []
    for mine, all_of in (
        (slice(templates), slice(templates)),
        (slice(templates, None), slice(None)),
    ):
        scores = q[:, :, mine] @ k[:, :, all_of].transpose(2, 3) * (c // heads) ** -0.5
        seen.append(scores.softmax(3) @ v[:, :, all_of])
    y = torch.cat(seen, 2).transpose(1, 2).flatten(2)
    x = x + official.linear(f"{name}.attn.proj", y, c)
    y = official.linear(f"{name}.mlp.fc1", official.layer_norm(f"{name}.norm2", x), 4 * c)
    return x + official.linear(f"{name}.mlp.fc2", F.gelu(y), c)


def corners(official, x: Tensor, channels: int) -> Tensor:
    """MixViT's pyramid corner head: [B, C, h, w] → boxes [B, 4] in [0, 1]."""

    def unit(name: str, x: Tensor, outputs: int) -> Tensor:
        x = official.conv(f"box_head.{name}.0", x, outputs, 3, bias=True, padding=1)
        return torch.relu(official.norm(f"box_head.{name}.1", x))

    boxes, (half, quarter, eighth) = [], (channels // 2, channels // 4, channels // 8)
    for corner in ("tl", "br"):
        two = unit(f"conv2_{corner}", unit(f"conv1_{corner}", x, channels), half)
        up = F.interpolate(unit(f"adjust1_{corner}", x, half), scale_factor=2)
        three = unit(f"conv3_{corner}", up + F.interpolate(two, scale_factor=2), quarter)
        up = F.interpolate(unit(f"adjust2_{corner}", x, quarter), scale_factor=4)
        four = unit(f"conv4_{corner}", up + F.interpolate(three, scale_factor=2), eighth)
        score = official.conv(f"box_head.conv5_{corner}", four, 1, bias=True)
        a = two
        for index, outputs in enumerate((quarter, eighth, 1)):
            a = unit(f"adjust3_{corner}.{index}", a, outputs)
        b = three
        for index, outputs in enumerate((eighth, 1)):
            b = unit(f"adjust4_{corner}.{index}", b, outputs)
        score = score + F.interpolate(a, scale_factor=4) + F.interpolate(b, scale_factor=2)
        chance = score.flatten(1).softmax(1).view_as(score)[:, 0]
        place = torch.arange(chance.shape[2]) * 4 / (x.shape[3] * 16)  # cells of 4 of the pixels
        boxes += [(chance.sum(1) * place).sum(1), (chance.sum(2) * place).sum(1)]
    return torch.stack(boxes, 1)
