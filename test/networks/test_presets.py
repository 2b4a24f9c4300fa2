"""Every preset is a network that can be built."""

import pytest
import torch

from tracker_ros.networks.build import build
from tracker_ros.networks.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_it_is_a_network(name):
    preset = PRESETS[name]
    with torch.device("meta"):  # sizes alone, for some have gigabytes
        network = build(preset.architecture, preset.network.to_dict())
    assert sum(one.numel() for one in network.parameters()) > 1000
