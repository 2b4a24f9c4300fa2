"""What `describe` says of models and presets, and that it agrees with the papers it quotes."""

import pytest

pytest.importorskip("torch")

from tracker_ros.core.errors import ModelError
from tracker_ros.engines.models.info import describe
from tracker_ros.engines.models.papers import PINNED
from tracker_ros.networks.presets import PRESETS


def test_description_of_a_file(files):
    facts = describe(files.weights)
    assert facts["model"] == "tiny" and facts["architecture"] == "dastm"
    assert facts["map"] == "8x8" and facts["state"] == {"tokens": "1x36x16"}
    assert facts["bytes_per_memorised_frame"] == 36 * 16 * 4 and facts["frames_read"] == 6
    assert facts["parameters"]["inference"] < facts["parameters"]["training"]
    assert facts["macs"]["locate"] > facts["macs"]["remember"] > 0
    assert facts["training"] == {"data": "none", "steps": 0}
    assert [path.rsplit(".", 2)[-2:] for path in facts["files"]] == [
        [str(files.folder / "tiny"), "safetensors"],
        ["locate", "onnx"],
        ["remember", "onnx"],
    ]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_parts_are_the_whole_and_the_papers_figures_agree(name):
    facts = describe(name)
    for step, parts in facts["macs_by_part"].items():
        assert sum(parts.values()) == facts["macs"][step]
        assert all(value >= 0 for value in parts.values())
    assert 0 < facts["macs"]["layers"] <= facts["macs"]["frame"]
    assert facts["architecture"] == PRESETS[name].architecture
    assert set(facts["tracking"]) == set(PRESETS[name].tracking.to_dict())
    assert all(f"{name}." in path for path in facts["files"])
    for figure in facts["paper"].values():
        paper = figure["paper"]
        assert figure["ours"] == (
            paper if isinstance(paper, str) else pytest.approx(paper, rel=0.02)
        )
    assert set(facts["paper"]) == set(PINNED.get(name, {}))


def test_a_carried_state_is_described_by_its_arrays():
    facts = describe("stif_tiny")
    maps = {"anchor": "1x128x16x16", "recent": "1x3x128x16x16", "memory": "1x128x16x16"}
    assert facts["state"] == maps
    assert facts["bytes_per_memorised_frame"] == (1 + 3 + 1) * 128 * 256 * 4 // 4
    assert set(facts["macs"]) == {"start", "locate", "remember", "frame", "layers"}


def test_a_gate_counts_as_its_dearest_branch(files):
    # CBAM: the channels' bottleneck for mean and maximum, and 7×7 weights of two maps; 16 channels
    # have a bottleneck of 4, the memory's map is 6×6.
    attention = describe(files.weights)["macs_by_part"]["remember"]["attention"]
    assert attention == 2 * (2 * 16 * 4) + 7 * 7 * 2 * 36


def test_neither_model_nor_preset(tmp_path):
    with pytest.raises(ModelError, match=r"nor a preset \(stmtrack, "):
        describe("nothing")
    with pytest.raises(ModelError, match=r"does not exist$"):
        describe(tmp_path / "nothing.safetensors")
