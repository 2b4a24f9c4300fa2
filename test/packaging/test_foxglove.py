"""The layout for Foxglove and Lichtblick is in the form that they read."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PANELS = json.loads((ROOT / "config" / "foxglove.json").read_text())["configById"]
MARKERS = "/tracker_node/markers"


def test_the_boxes_are_shown_and_in_step_with_the_image():
    mode = PANELS["Image!camera"]["imageMode"]
    assert mode["annotations"] == {MARKERS: {"visible": True}}
    assert mode["synchronize"] is True


def names(kind) -> set[str]:
    """What the SDK writes of a part of a layout."""
    return set(kind(**{one.name: None for one in fields(kind)})._to_dict())


def test_the_image_panel_is_what_the_sdk_would_write():
    layouts = pytest.importorskip("foxglove.layouts", reason="foxglove-sdk is not installed here")
    panel = PANELS["Image!camera"]
    own = {"foxglovePanelTitle"}  # of a layout file, beside the panel's settings
    assert panel.keys() - own <= names(layouts.ImageConfig)
    assert panel["imageMode"].keys() <= names(layouts.ImageModeConfig)
    for settings in panel["imageMode"]["annotations"].values():
        assert settings.keys() <= names(layouts.ImageAnnotationSettings)
    config = layouts.ImageConfig(
        synchronize=True,
        synced_topics={"/image": True, MARKERS: True},
        image_mode=layouts.ImageModeConfig(
            image_topic="/image",
            annotations={MARKERS: layouts.ImageAnnotationSettings(visible=True)},
            synchronize=True,
        ),
    )
    panel_of_sdk = json.loads(layouts.Layout(content=layouts.ImagePanel(config=config)).to_json())
    ours = {key: value for key, value in panel.items() if key not in own}
    assert ours == panel_of_sdk["content"]["config"]
