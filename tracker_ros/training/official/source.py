"""A foreign checkpoint's tensors, read without executing anything, and what is made of them."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...core.errors import ModelError, brief, some
from ..records import checkpoint

# Where a state dict lies in what training code saves.
WRAPPERS = ("model_state_dict", "state_dict", "model", "net")
NORM = ("weight", "bias", "running_mean", "running_var")


class Checkpoint:
    """The tensors of a checkpoint by name, as float32; counts which were taken.

    Args:
        path: .safetensors, .npz, .onnx, or anything else that torch saved.
    Raises:
        ModelError: missing, damaged, not of tensors, or only readable by running code out of it.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        found = checkpoint.plain_tensors(path, _unwrapped(_read(self.path)))
        self.tensors = {name: value.float() for name, value in found.items()}
        self.left = set(self.tensors)

    def has(self, name: str) -> bool:
        return name in self.tensors

    def take(self, name: str) -> Tensor:
        """The tensor of a name. Raises ModelError where there is none or it is not finite."""
        if name not in self.tensors:
            raise ModelError(f"checkpoint {self.path} has no tensor {name}")
        value = self.tensors[name]
        checkpoint.check_finite(self.path, {name: value})
        if name.endswith("running_var") and (value < 0).any():  # its root is no number
            raise ModelError(f"checkpoint {self.path}: {name} is negative")
        self.left.discard(name)
        return value

    def size(self, name: str, axis: int) -> int:
        """The tensor's length along an axis. Raises ModelError where it has none."""
        shape = self.take(name).shape
        if axis >= len(shape):
            raise ModelError(f"checkpoint {self.path}: {name} has shape {list(shape)}")
        return shape[axis]

    def count(self, pattern: str) -> int:
        """How many numbers follow each other from 0 in ``pattern``, a name with {}."""
        number = 0
        while pattern.format(number) in self.tensors:
            number += 1
        return number

    def unused(self, known: str) -> list[str]:
        """Names that were not taken. Raises ModelError where one does not match ``known``."""
        strange = sorted(name for name in self.left if not re.match(known, name))
        if strange:
            raise ModelError(
                f"checkpoint {self.path} holds {len(strange)} tensors that have no place here: "
                f"{some(strange)}"
            )
        return sorted(self.left)


class StateDraft:
    """A state dict in the making for the network or trunk of ours that ``make`` makes.

    Everything is checked as it comes: a name of theirs that is missing, a shape that differs.
    """

    def __init__(self, make: Callable[[], nn.Module], source: Checkpoint):
        with torch.device("meta"):
            self.own = make().state_dict()
        self.source = source
        self.state: dict[str, Tensor] = {}

    def put(self, ours: str, theirs: str, value: Tensor) -> None:
        """``value``, made of ``theirs``, as ``ours``. Raises ModelError naming both sides."""
        wanted, given = list(self.own[ours].shape), list(value.shape)
        if wanted != given:
            raise ModelError(
                f"checkpoint {self.source.path}: {theirs} has shape {given}, our {ours} {wanted}"
            )
        self.state[ours] = value.clone()

    def copy(self, ours: str, theirs: str, parts: Iterable[str] = ("weight", "bias")) -> None:
        """``parts`` of a layer as they are."""
        for part in parts:
            self.put(f"{ours}.{part}", f"{theirs}.{part}", self.source.take(f"{theirs}.{part}"))

    def norm(self, ours: str, theirs: str) -> None:
        """A batch normalisation; what counts its batches is missing in older files."""
        self.copy(ours, theirs, NORM)
        count = f"{theirs}.num_batches_tracked"
        value = self.source.take(count) if self.source.has(count) else torch.zeros(())
        self.put(f"{ours}.num_batches_tracked", count, value.long())

    def silence(self, ours: str) -> None:
        """A batch normalisation that theirs does not have: it says nothing, until it learns."""
        for part in (*NORM, "num_batches_tracked"):
            like = self.own[f"{ours}.{part}"]
            value = torch.ones if part == "running_var" else torch.zeros
            self.state[f"{ours}.{part}"] = value(like.shape, dtype=like.dtype)

    def conv_norm(self, ours: str, conv: str, norm: str) -> None:
        """A convolution and its normalisation as ``ours``.0 and .1, which has no bias before it."""
        self.copy(f"{ours}.0", conv, ["weight"])
        self.norm(f"{ours}.1", norm)
        if self.source.has(f"{conv}.bias"):
            self.shift(f"{ours}.1", self.source.take(f"{conv}.bias"))

    def shift(self, norm: str, constant: Tensor) -> None:
        """Add ``constant`` before a batch normalisation, by its mean."""
        self.state[f"{norm}.running_mean"] -= constant

    def pixels(self, ours: str, mean: Iterable[float], std: Iterable[float]) -> Tensor:
        """Let a first convolution for (RGB in [0, 1] - mean) / std take our BGR in [-1, 1].

        Returns what is to be added to its outputs, [C]. Where the convolution pads, a zero is the
        mean there and mid-grey here, so that the outermost cells differ a little.
        """
        mean, std = (torch.tensor(list(part))[None, :, None, None] for part in (mean, std))
        weight = self.state[f"{ours}.weight"]
        self.state[f"{ours}.weight"] = (weight / (2 * std)).flip(1)
        return (weight * (0.5 - mean) / std).sum((1, 2, 3))

    def finish(self) -> dict[str, Tensor]:
        """The whole state. A name that no table sets is a fault of ours.

        Raises ModelError where what was made of finite numbers is not finite.
        """
        missing = set(self.own) - set(self.state)
        assert not missing, missing
        for name, value in self.state.items():
            if not torch.isfinite(value).all():
                raise ModelError(f"checkpoint {self.source.path}: our {name} would not be finite")
        return self.state


def _read(path: Path):
    checkpoint.check_file(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.suffix == ".onnx":
            return _initialisers(path)
        if path.suffix == ".npz":
            return _arrays(path)
        return checkpoint.load(path)
    except ModelError:
        raise
    except Exception as error:  # safetensors, NumPy and zip raise many types
        raise ModelError(f"checkpoint {path} cannot be read: {brief(error)}") from None


def _arrays(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: torch.from_numpy(file[name]) for name in file.files}
    except OSError:
        raise
    except Exception:  # without NumPy's words: of a foreign file they advise to unpickle it
        reason = "it is damaged, or not an archive of numbers alone"
        raise ModelError(f"checkpoint {path} cannot be read: {reason}") from None


def _initialisers(path: Path) -> dict[str, Tensor]:
    """A graph's initialisers.

    torch exports a linear layer as a product and a sum, whose matrix is transposed and nameless:
    it gets its name back from the bias.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    found = {
        part.name: torch.from_numpy(numpy_helper.to_array(part).copy())
        for part in graph.initializer
    }
    products = {
        node.output[0]: name
        for node in graph.node
        if node.op_type == "MatMul"
        for name in node.input
        if name in found
    }
    for node in graph.node:
        if node.op_type != "Add":
            continue
        for bias, product in (node.input, node.input[::-1]):
            if product in products and bias.endswith(".bias"):
                name = products[product]
                found[bias.removesuffix("bias") + "weight"] = found.pop(name).T.contiguous()
    return found


def _unwrapped(content) -> dict[str, Tensor] | None:
    """The state dict in what a file holds, without ``module.`` of several GPUs; or None."""
    seen: list[int] = []  # a dictionary may hold itself
    while isinstance(content, dict) and id(content) not in seen:
        seen.append(id(content))
        inner = (content.get(wrapper) for wrapper in WRAPPERS)
        content = next((one for one in inner if isinstance(one, dict)), content)
    if not isinstance(content, dict):
        return None
    found = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    if all(name.startswith("module.") for name in found):
        found = {name.removeprefix("module."): value for name, value in found.items()}
    return found or None
