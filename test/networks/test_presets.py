"""Every preset is a network that can be built, and of no number that makes none."""

import math
from dataclasses import fields

import pytest
import torch

from tracker_ros.core.errors import ModelError
from tracker_ros.networks.build import ARCHITECTURES, build
from tracker_ros.networks.config import BOUNDS
from tracker_ros.networks.presets import PRESETS

# Of settings that have no effect in some networks, values that others could not take.
OTHER: dict[str, object] = {"widths": (1,), "depths": (1,), "branches": 7, "scale": True}
OTHER |= {"late_se": 99, "width": 0.01, "dilation": 99, "neck": "none"}
OTHER |= {"gate_reduction": 4096, "temperature": 9.0}
OTHER |= {"heads": 7, "ffn": 4096, "layers": 99, "dropout": 0.9}


@pytest.mark.parametrize("name", PRESETS)
def test_it_is_a_network(name):
    preset = PRESETS[name]
    values = preset.network.to_dict()
    idle = {name: OTHER[name] for name, _ in preset.network.idle() if name in values}
    with torch.device("meta"):  # sizes alone, for some have gigabytes
        network = build(preset.architecture, values)
        same = build(preset.architecture, values | idle)
    shapes, others = (
        {name: value.shape for name, value in one.state_dict().items()} for one in (network, same)
    )
    assert shapes == others
    assert sum(one.numel() for one in network.parameters()) > 1000


@pytest.mark.parametrize(("architecture", "part"), [("stif", "sde"), ("ustam", "spatial")])
def test_an_equation_as_printed_is_idle_without_its_part(architecture, part):
    config = ARCHITECTURES[architecture].config
    assert "literal" not in dict(config(literal=True).idle())
    assert "literal" in dict(config(literal=True, **{part: False}).idle())


@pytest.mark.parametrize(
    ("architecture", "sizes", "told"),
    [
        ("dastm", {"head_channels": 4096, "head_depth": 256}, "more than 500,000,000 weights"),
        ("stif", {"head_channels": 4096, "head_kind": "plain"}, "more than 500,000,000 weights"),
        ("ustam", {"channels": 4080, "depth": 256}, "more than 500,000,000 weights"),
        ("ustam", {"query_size": 4096, "patch": 1}, "4096×4096 patches are more than 256×256"),
    ],
)
def test_sizes_that_only_together_are_too_large_are_refused(architecture, sizes, told):
    with torch.device("meta"), pytest.raises(ModelError, match=f"no {architecture}: .*{told}"):
        build(architecture, sizes)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_numbers_that_make_no_network_are_refused(architecture):
    made = ARCHITECTURES[architecture].config()
    for field in fields(made):
        old = getattr(made, field.name)
        if type(old) not in (int, float, tuple):
            continue
        least, most = BOUNDS[field.name]
        odd = [least - 1, most + 1]
        if type(old) is float:
            odd += [math.nan, math.inf, -math.inf]
        for value in odd:
            value = (value,) if type(old) is tuple else type(old)(value)
            with pytest.raises(ModelError, match=f"no {architecture}: {field.name} is "):
                build(architecture, {field.name: value})
