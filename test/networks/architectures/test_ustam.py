from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.networks.architectures.ustam import Ustam, UstamConfig, guided, relative, steps
from tracker_ros.networks.blocks.corner import CornerHead, CornerMap
from tracker_ros.networks.blocks.vit import position_code
from tracker_ros.networks.presets import preset

SMALL = UstamConfig(
    channels=32, depth=3, heads=2, query_size=64, template_size=32, patch=16, head_channels=16
)
TRACKING = TrackingConfig(query_size=64, memory_size=32, search_factor=4.0)


def crops(*shape):
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8)


def lively(config=SMALL, seed=0):
    """A network whose spatial attention does something."""
    torch.manual_seed(seed)
    network = Ustam(config).eval()
    if config.spatial:
        torch.nn.init.normal_(network.spatial.weight)
    return network


@pytest.mark.parametrize(
    ("name", "spatial", "giga", "million"),
    [
        ("ustam_b288", True, 43.6, 97.2),
        ("ustam_b288", False, 43.2, 97.1),
        ("ustam_l384", True, 274.6, 318.0),
        ("ustam_l384", False, 271.6, 317.7),
    ],
)
def test_papers_parameters_and_macs(name, spatial, giga, million):
    # Table 4. As its tool did, linear layers and convolutions are counted, not the products of
    # queries, keys and values.
    config = replace(preset(name).network, spatial=spatial)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = Ustam(config).eval()
        cache = network.remember(crops(1, 2, config.template_size, config.template_size))
        n = network.code.shape[0]
        network.match(
            crops(1, config.query_size, config.query_size),
            cache,
            torch.zeros(1, config.heads, n, n),
        )
    flops = counter.get_flop_counts()["Global"]
    macs = sum(flops[op] for op in (torch.ops.aten.convolution, torch.ops.aten.addmm)) / 2
    assert macs == pytest.approx(giga * 1e9, rel=0.002)
    parameters = sum(value.numel() for value in network.parameters())
    assert parameters == pytest.approx(million * 1e6, rel=0.002)


def test_spatial_attention_costs_what_the_table_says():
    # 324 tokens: + .1 M parameters; 576: + .3 M.
    for cells, million in ((324, 0.1), (576, 0.3)):
        assert round(cells * (cells + 1) / 1e6, 1) == million


def test_positions_are_distinct_and_bounded():
    code = position_code(5, 16)
    assert code.shape == (25, 16) and code.abs().max() <= 1
    assert len(torch.unique(code, dim=0)) == 25


@torch.no_grad()
def test_at_the_first_frame_temporal_attention_changes_nothing():
    torch.manual_seed(0)
    network = lively()
    plain = Ustam(replace(SMALL, temporal=False)).eval()
    plain.load_state_dict(network.state_dict())
    templates, query = crops(1, 2, 32, 32), crops(1, 64, 64)
    nothing = torch.zeros(1, 2, 16, 16)
    results = [net.match(query, net.remember(templates), nothing)[0] for net in (network, plain)]
    torch.testing.assert_close(*(result.boxes for result in results))
    moved, _ = network.match(query, network.remember(templates), torch.rand(1, 2, 16, 16))
    assert not torch.allclose(moved.boxes, results[0].boxes)


@torch.no_grad()
def test_a_fresh_network_attends_as_one_without_spatial_attention():
    torch.manual_seed(0)
    network = Ustam(SMALL).eval()
    plain = Ustam(replace(SMALL, spatial=False)).eval()
    plain.load_state_dict(network.state_dict(), strict=False)
    templates, query, past = crops(1, 2, 32, 32), crops(1, 64, 64), torch.rand(1, 2, 16, 16)
    results = [net.match(query, net.remember(templates), past) for net in (network, plain)]
    torch.testing.assert_close(results[0], results[1])


def test_guided_strengthens_search_columns_alone():
    attention = torch.full((1, 1, 2, 5), 0.2)  # three template columns, two search columns
    past = torch.tensor([[[[0.5, -3.0], [0.0, 1.0]]]])
    expected = [[0.2, 0.2, 0.2, 0.3, 0.0], [0.2, 0.2, 0.2, 0.2, 0.4]]
    torch.testing.assert_close(guided(attention, past)[0, 0], torch.tensor(expected))


def test_what_equation_6_subtracts_cancels_as_printed():
    search = torch.rand(2, 3, 6, 6)
    torch.testing.assert_close(relative(search, literal=True), torch.softmax(search, 3))
    resolved = relative(search, literal=False)
    assert not torch.allclose(resolved, torch.softmax(search, 3))
    # A column that everything attends to alike says nothing of the target: its mean goes.
    search[..., 0] = 0.9
    share = relative(search, literal=False)[..., 0]
    assert (share < torch.softmax(search, 3)[..., 0]).all()


@torch.no_grad()
def test_templates_do_not_see_the_search_region():
    network = lively()
    cache = network.remember(crops(1, 2, 32, 32))
    assert cache.shape == (1, 3, 2, 2, 8, 16)  # depth, key and value, heads, 2 × 4 tokens, C/heads


@torch.no_grad()
@pytest.mark.parametrize("place", [0.0, 0.5])
def test_corner_head_answers_with_the_peaks(place):
    head = CornerHead(8, 16, place).eval()
    boxes, scores = head(torch.randn(2, 8, 5, 5))
    assert boxes.shape == (2, 4) and scores.shape == (2,)
    assert (boxes > 0).all() and (boxes < 1).all()
    heat = torch.full((1, 1, 20, 20), -50.0)
    heat[0, 0, 4, 9] = 50
    head.corners[0].forward = lambda x: heat
    boxes, scores = head(torch.randn(1, 8, 5, 5))
    assert boxes[0, :2].tolist() == pytest.approx([(9 + place) / 20, (4 + place) / 20])
    assert scores.item() == pytest.approx(1)


@torch.no_grad()
def test_a_corners_heat_is_scored_before_maps_are_doubled_and_meet_their_skips():
    torch.manual_seed(0)
    corner = CornerMap(8, 16).eval()
    for norm in corner.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(norm.weight, 1, 0.2)
            torch.nn.init.normal_(norm.running_mean)
    x = torch.randn(2, 8, 5, 5)

    def larger(maps, times):
        return maps.repeat_interleave(times, 2).repeat_interleave(times, 3)

    second = corner.coarse(x)
    third = corner.middle(larger(corner.coarse_skip(x), 2) + larger(second, 2))
    last = corner.fine(larger(corner.middle_skip(x), 4) + larger(third, 2))
    expected = last + larger(corner.middle_score(second), 4) + larger(corner.fine_score(third), 2)
    torch.testing.assert_close(corner(x), expected)


def test_training_forward_hands_the_map_on_without_gradient():
    network = lively().train()
    queries = crops(2, 2, 64, 64)
    out = network(crops(2, 2, 32, 32), torch.zeros(2, 2, 4), queries)
    out.boxes.sum().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None]
    assert silent == []
    with torch.no_grad():
        network.eval()
        templates = crops(2, 2, 32, 32)
        one = network(templates, None, queries[:, 1:])
        two = network(templates, None, queries)
        assert not torch.allclose(one.boxes, two.boxes)


@torch.no_grad()
def test_steps_together_are_the_training_forward():
    network = lively()
    parts = steps(network, TRACKING)
    template, online, queries = crops(1, 32, 32), crops(1, 32, 32), crops(1, 2, 64, 64)
    box = torch.zeros(1, 4)
    first, _, past = parts["start"].module(template, box)
    (cache,) = parts["remember"].module(online, box, first)
    _, _, past = parts["locate"].module(queries[:, 0], cache, past)
    score, boxes, _ = parts["locate"].module(queries[:, 1], cache, past)
    whole = network(torch.stack([template, online], 1), None, queries)
    torch.testing.assert_close(boxes[..., 0, 0], whole.boxes * 64)
    torch.testing.assert_close(score[:, 0, 0], whole.scores)


def test_sizes_that_contradict_the_tracking_config():
    with pytest.raises(ModelError, match=r"crops of 64 and 32 pixels, .* says 160 and 112"):
        steps(Ustam(SMALL), TrackingConfig())


def test_heads_share_the_channels_evenly():
    with pytest.raises(ValueError, match="32 channels cannot be shared by 3 heads"):
        Ustam(replace(SMALL, heads=3))


def test_files_of_before_name_a_trunk_which_may_only_be_empty():
    values = {**SMALL.to_dict(), "widths": [], "depths": []}
    assert UstamConfig.from_dict(values) == SMALL
    with pytest.raises(TypeError, match="widths"):
        UstamConfig.from_dict({**values, "widths": [8, 8, 8, 8]})
