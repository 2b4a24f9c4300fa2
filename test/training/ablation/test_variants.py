"""The tables of STMTrack, STIF and DASTSiam: what a row changes, and that `ablate` fills them."""

import json
from dataclasses import replace

import pytest
import torch

from tracker_ros.commands import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.memory import FrameMemory
from tracker_ros.engines.models.store import load_network, save_network
from tracker_ros.networks.architectures.stif import Stif, StifConfig
from tracker_ros.networks.blocks.reader import read_memory, tokens
from tracker_ros.networks.build import build, steps
from tracker_ros.networks.presets import PRESETS
from tracker_ros.training.ablation.variants import READINGS, STUDIES
from tracker_ros.training.losses.siamese import balanced, by_overlap

TRUNK = {"backbone": "mobileone", "widths": (8, 8, 16, 24), "depths": (1, 1, 1), "channels": 16}
HEAD = {"head_channels": 16, "head_depth": 1}
SIZES = {
    "stmtrack": (HEAD, {"query_size": 64, "memory_size": 64}),
    "stif": (HEAD, {"query_size": 64, "memory_size": 64}),
    "dastsiam": ({"ffn": 16, "layers": 1}, {}),
}
ROWS = [(name, part) for name, study in STUDIES.items() for part in study.variants.values()]


def design(name, part):
    sizes, crops = SIZES[name]
    made = PRESETS[f"{name}_tiny"]
    return part.trained(
        made._replace(
            network=replace(made.network, **TRUNK, **sizes),
            tracking=replace(made.tracking, **crops),
        )
    )


@torch.no_grad()
@pytest.mark.parametrize(("name", "part"), ROWS, ids=[f"{n}-{p.name}" for n, p in ROWS])
def test_every_row_is_a_network_that_steps_and_is_stored(name, part, tmp_path):
    made = design(name, part)
    network = build(made.architecture, made.network.to_dict()).eval()
    save_network(tmp_path / "a.safetensors", network, made.architecture, made.tracking, {})
    again, _ = load_network(tmp_path / "a.safetensors")
    for step in steps(again, made.tracking).values():
        for one, other in zip(
            step.module(*step.inputs.values()), step.module(*step.inputs.values()), strict=True
        ):
            torch.testing.assert_close(one, other)
    for test in part.tests:
        part.tested(made, test)  # its values are a tracking config's


def test_one_backbone_has_half_the_parameters_and_no_labels_none():
    parts = STUDIES["stmtrack"].variants
    networks = {
        n: build("stmtrack", design("stmtrack", p).network.to_dict()) for n, p in parts.items()
    }
    count = {n: sum(p.numel() for p in network.parameters()) for n, network in networks.items()}
    trunk = sum(p.numel() for p in networks["shared"].query_trunk.parameters())
    label = networks["separate+labels"].label.weight.numel()
    assert count["separate"] - count["shared"] == trunk
    assert count["separate+labels"] - count["separate"] == label
    assert count["shared+labels"] - count["shared"] == label


@torch.no_grad()
def test_without_labels_a_box_changes_nothing():
    crop = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    boxes = [torch.tensor([[10.0, 10, 20, 20]]), torch.tensor([[30.0, 20, 25, 30]])]
    for name, same in (("separate", True), ("separate+labels", False)):
        made = design("stmtrack", STUDIES["stmtrack"].variants[name])
        network = build("stmtrack", made.network.to_dict()).eval()
        first, second = (network.features(crop, box) for box in boxes)
        assert torch.equal(first, second) == same


@pytest.mark.parametrize("name", READINGS)
def test_as_many_frames_are_read_as_the_row_says(name):
    config = replace(TrackingConfig(), **READINGS[name])
    memory, stored = FrameMemory(config.memory_capacity).add(0), 40
    for number in range(1, stored):
        if config.memory_score <= 1:
            memory = memory.add(number)
    read = memory.read(config.memory_segments)
    assert len(read) == (stored if name == "all frames" else int(name.split()[0]))
    assert read[0] == 0 and (name == "1 frame" or read[-1] == stored - 1)


@torch.no_grad()
def test_stif_without_its_parts_reads_as_stmtrack():
    torch.manual_seed(0)
    sizes = {**TRUNK, **HEAD, "head_kind": "separable"}
    network = Stif(StifConfig(**sizes, ste=False, sde=False, interactive=False)).eval()
    anchor, recent, query = (
        torch.randn(1, 16, 3, 3),
        torch.randn(1, 3, 16, 3, 3),
        torch.randn(1, 16, 3, 3),
    )
    memory = network.remember(anchor, recent)
    frames = torch.cat([tokens(frame) for frame in (anchor, *recent.unbind(1))], 1)
    read = network.fuse_branches(network.enhance_query(query, memory), memory)
    torch.testing.assert_close(read, read_memory(query, frames))
    fused = Stif(StifConfig(**sizes, ste=False, sde=False)).eval()
    mean = (anchor + recent.sum(1)) / 4
    torch.testing.assert_close(fused.remember(anchor, recent), mean)
    with pytest.raises(ValueError, match="literal"):
        Stif(StifConfig(**sizes, literal=True, ste=False, interactive=False))


def test_anchors_by_their_overlap():
    """64 px anchors on 5 cells of 101 px, a target of the middle one's size and place."""
    boxes = torch.tensor([[18.5, 18.5, 64, 64], [18.5, 18.5, 64, 64]])
    positive, negative = by_overlap(boxes, torch.tensor([True, False]), 5, 64.0, 8, 101)
    away = (torch.arange(5.0) - 2) * 8
    across, down = (64 - away.abs())[None], (64 - away.abs())[:, None]
    shared = across * down
    overlap = shared / (2 * 64 * 64 - shared)
    assert torch.equal(positive[0], overlap > 0.6) and positive[0].sum() == 9
    assert torch.equal(negative[0], overlap < 0.3)
    assert not positive[1].any() and negative[1].all()
    losses = torch.ones(2, 5, 5)
    losses[~(positive | negative)] = 1e6  # what is neither counts for nothing
    assert balanced(losses, positive, negative) == 1


@pytest.mark.parametrize(
    ("name", "variants", "tables"),
    [
        (
            "stmtrack",
            "shared,separate+labels",
            ("### Table 1 and 2", "### Table 4", "| all frames |"),
        ),
        ("stif", "baseline,ste+sde+stif", ("### Table 1", "| all (STIF) |")),
        ("dastsiam", "iou,centre", ("### Table 3", "| by their IoU")),
    ],
)
def test_the_command_fills_the_tables(shards, one_clip, tmp_path, name, variants, tables):
    out, (sizes, crops) = tmp_path / "out", SIZES[name]
    command = ["ablate", str(shards), "--validate", str(one_clip[1]), "--out", str(out)]
    command += ["--model", f"{name}_tiny", "--variants", variants, "--seeds", "0"]
    for key, value in {**TRUNK, **sizes}.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else value
        command += ["--network", f"{key}={text}"]
    for key, value in {**crops, "lost_score": 0, "memory_score": 0}.items():
        command += ["--tracking", f"{key}={value}"]
    assert main([*command, "--steps", "1", "--batch", "2", "--workers", "0"]) == 0
    text = (out / "ablation.md").read_text()
    assert all(part in text for part in tables)
    scores = json.loads((out / "ablation.json").read_text())["scores"]
    assert {one["variant"] for one in scores} == set(variants.split(","))
    assert all(0 <= one["auc"] <= 20 / 21 and "ms_memory" not in one for one in scores)
    if name == "stmtrack":
        tested = [one["test"] for one in scores if one["variant"] == "separate+labels"]
        assert tested == list(READINGS)
    assert "+0.000" in text  # the baseline's difference to itself


def test_what_no_paper_compares(shards, tmp_path, capsys):
    dev, out = tmp_path / "dev", tmp_path / "out"
    command = ["ablate", str(shards), "--validate", str(dev), "--out", str(out)]
    assert main([*command, "--model", "ustam_tiny"]) == 1
    assert "'ustam_tiny': no paper's table is about ustam" in capsys.readouterr().err
    assert main([*command, "--model", "stif_tiny", "--variants", "tde"]) == 1
    assert "variant 'tde' is none of baseline, ste, sde" in capsys.readouterr().err
