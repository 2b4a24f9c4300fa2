"""What DASTM beside a classifier computes in a training step, and what it leaves out."""

import pytest

torch = pytest.importorskip("torch")

from tracker_ros.networks.architectures.dastm_filter import (  # noqa: E402
    DastmFilter,
    DastmFilterConfig,
)

CELLS = 12


def test_training_does_not_compute_what_only_trackers_need():
    """Neither features for what learns online nor what is compared with the first frame."""
    sizes = {"channels": 16, "head_channels": 16, "head_depth": 1}
    network = DastmFilter(
        DastmFilterConfig(refine=True, search_cells=CELLS, memory_cells=8, **sizes)
    )
    asked = []
    network.refiner.details.register_forward_hook(lambda *_: asked.append("details"))
    crops = torch.randint(0, 256, (3, 8 * CELLS, 8 * CELLS, 3), dtype=torch.uint8)
    boxes = torch.tensor([[[30.0, 30, 36, 36]] * 2])
    maps = network(crops[None, :2], boxes, crops[2:])
    assert maps.logits.shape == (1, 1, CELLS, CELLS) and not asked
    network.see(crops)
    assert asked


def test_weights_of_before_name_a_depth_which_was_always_one():
    values = {**DastmFilterConfig().to_dict(), "neck_depth": 1}
    assert DastmFilterConfig.from_dict(values) == DastmFilterConfig()
    with pytest.raises(TypeError, match="neck_depth"):
        DastmFilterConfig.from_dict({**values, "neck_depth": 2})
