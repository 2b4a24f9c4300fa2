import math

import cv2
import numpy as np
import pytest

from tracker_ros.core.geometry.peaks import peak
from tracker_ros.core.online.model import RESPONSE_MIDPOINT, OnlineModel, presence, taught
from tracker_ros.core.online.views import PLACES, SCALES, first_views

FACTOR, SIZE, STRIDE = 3.6, 160, 8
CELLS, TARGET = SIZE // STRIDE, SIZE / FACTOR
SIDE = 44  # of the target in the first image, pixels


def texture(side, grain, colour, seed):
    draw = np.random.default_rng(seed).uniform(0, 255, (side, side, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(draw, (0, 0), grain)
    return np.clip(np.array(colour) + 40 * (smooth - smooth.mean()) / smooth.std(), 0, 255)


OBJECT = texture(128, 9, (90, 110, 190), 1)
BACKGROUND = texture(320, 5, (150, 130, 80), 2)


def rendered(x, y, side):
    """An image, uint8 [320, 320, 3], with the object's centre at x, y."""
    scale = side / 128
    matrix = np.array([[scale, 0, x - side / 2], [0, scale, y - side / 2]])
    matrix[:, 2] += (scale - 1) / 2  # OpenCV counts from the middle of a pixel
    shown = cv2.warpAffine(OBJECT, matrix, (320, 320))
    mask = cv2.warpAffine(np.ones((128, 128, 1), np.float32), matrix, (320, 320))[..., None]
    return np.clip(shown * mask + BACKGROUND * (1 - mask), 0, 255).astype(np.uint8)


def features(crop):
    """What a trunk might see: colours and edges of some directions and sizes, float32 [C, n, n]."""
    image = crop.astype(np.float32) / 255 - 0.5
    maps = []
    for sigma in (1.5, 3.0, 6.0):
        smooth = cv2.GaussianBlur(image, (0, 0), sigma)
        across, down = np.gradient(smooth, axis=1), np.gradient(smooth, axis=0)
        edges = [sigma * np.maximum(part, 0) for part in (across, -across, down, -down)]
        maps += [np.maximum(smooth, 0), np.maximum(-smooth, 0), *(3 * edge for edge in edges)]
    cells = np.concatenate(maps, 2).reshape(CELLS, STRIDE, CELLS, STRIDE, -1).mean((1, 3))
    return np.ascontiguousarray(cells.transpose(2, 0, 1))


def cut(image, x, y, side=SIDE):
    """The crop around x, y as if the target had this side."""
    zoom = TARGET / side
    matrix = np.array([[zoom, 0, SIZE / 2 - zoom * x], [0, zoom, SIZE / 2 - zoom * y]])
    matrix[:, 2] += (zoom - 1) / 2
    return cv2.warpAffine(image, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)


def box_at(x, y, scale=1.0):
    """The box of the target x, y crop pixels from the middle of the crop."""
    side = TARGET * scale
    return SIZE / 2 + x - side / 2, SIZE / 2 + y - side / 2, side, side


@pytest.fixture(scope="module")
def model():
    box = (160 - SIDE / 2, 160 - SIDE / 2, SIDE, SIDE)
    views = first_views(rendered(160, 160, SIDE), box, FACTOR, SIZE)
    seen = np.stack([features(view.crop) for view in views])
    return OnlineModel.start(seen, [view.box for view in views], len(PLACES), STRIDE, TARGET)


def found(model, crop):
    """x, y of the target, cells from the middle, and the logarithm of its scale."""
    compact = model.compact(features(crop))
    response = model.respond(compact)
    x, y = peak(response, *map(int, np.unravel_index(response.argmax(), response.shape)))
    middle = CELLS / 2 - 0.5
    return x - middle, y - middle, model.measure(compact, response), response


@pytest.mark.parametrize("moved", [(0, 0), (24, 0), (0, -17), (-35, 22), (5.5, 9.3)])
def test_a_target_that_moved_is_found(model, moved):
    x, y, scale, response = found(
        model, cut(rendered(160 + moved[0], 160 + moved[1], SIDE), 160, 160)
    )
    zoom = TARGET / SIDE / STRIDE
    assert (x, y) == pytest.approx((moved[0] * zoom, moved[1] * zoom), abs=0.5)
    assert scale == pytest.approx(0, abs=0.1)
    assert presence(response).max() > 0.9


@pytest.mark.parametrize("change", [-0.2, -0.1, 0.1, 0.2])
@pytest.mark.parametrize("moved", [(0, 0), (14, -9)])
def test_its_scale_is_measured(model, change, moved):
    centre, zoom = (160 + moved[0], 160 + moved[1]), TARGET / SIDE / STRIDE
    *_, rest, _ = found(model, cut(rendered(*centre, SIDE), 160, 160))
    x, y, scale, _ = found(model, cut(rendered(*centre, SIDE * math.exp(change)), 160, 160))
    assert (x, y) == pytest.approx((moved[0] * zoom, moved[1] * zoom), abs=0.5)
    # A ridge regression says less than there is: the tracker makes many small steps.
    assert abs(rest) < 0.05
    assert 0.4 < (scale - rest) / change < 1.2


def test_the_background_alone_is_not_the_target(model):
    *_, response = found(model, cut(BACKGROUND.astype(np.uint8), 160, 160))
    assert presence(response).max() < 0.5


def test_compact_features_are_principal_components(model):
    compact = model.compact(features(cut(rendered(160, 160, SIDE), 160, 160)))
    assert compact.dtype == np.float32 and compact.shape[1:] == (CELLS, CELLS)
    components = model.place.components.astype(np.float64)
    products = components @ components.T
    level = np.trace(products) / len(products)
    np.testing.assert_allclose(products / level, np.eye(len(products)), atol=1e-5)
    # Those of the views themselves, of level 1 in the mean.
    strength = (compact.astype(np.float64) ** 2).mean((1, 2))
    assert strength.mean() == pytest.approx(1, abs=0.3)
    assert strength[:5].sum() > strength[5:].sum()


def test_the_views_of_places_teach_no_scale_but_the_first(model):
    scale, first = model.scale, model.place.classifier.first
    assert (first, scale.first) == (len(PLACES), 1 + SCALES) and scale.used == scale.first
    assert scale.scales[0] == pytest.approx(0) and np.ptp(scale.scales[1 : scale.used]) > 0.3


def test_more_channels_than_are_kept_are_reduced():
    seen = np.random.default_rng(0).standard_normal((2, 90, CELLS, CELLS)).astype(np.float32)
    learned = taught(seen, [box_at(0, 0), box_at(8, 0)], STRIDE)
    assert learned.compact(seen[0]).shape == (64, CELLS, CELLS)
    assert learned.classifier.respond(learned.compact(seen[0])).shape == (CELLS, CELLS)


def test_one_view_is_enough_to_start():
    image = rendered(160, 160, SIDE)
    seen = features(cut(image, 160, 160))[None]
    model = OnlineModel.start(seen, [box_at(0, 0)], 1, STRIDE, TARGET)
    x, y, scale, _ = found(model, cut(image, 150, 170))
    zoom = TARGET / SIDE / STRIDE
    assert (x, y) == pytest.approx((10 * zoom, -10 * zoom), abs=0.5)
    assert scale == pytest.approx(0, abs=1e-6)  # of no other is anything known


def test_one_look_leaves_the_scale_alone(model):
    compact = model.compact(features(cut(rendered(165, 158, SIDE), 160, 160)))
    new = model.learn([(compact, box_at(5, -2))], 0.1)
    assert new.scale is model.scale
    assert not np.array_equal(new.place.classifier.kernel, model.place.classifier.kernel)


def test_a_second_look_teaches_the_scale_and_the_old_model_stays(model):
    image, zoom = rendered(160, 160, SIDE), 1.05
    near, far = (model.compact(features(cut(image, 160, 160, s))) for s in (SIDE, SIDE / zoom))
    before = model.scale.slope.copy(), model.place.classifier.kernel.copy()
    looks = [(near, box_at(0, 0)), (far, box_at(0, 0, zoom))]
    new = model.learn(looks, 0.1)
    assert new.scale.used == model.scale.used + 2
    assert new.scale.scales[new.scale.first : new.scale.used] == pytest.approx([0, math.log(zoom)])
    np.testing.assert_array_equal(model.scale.slope, before[0])
    np.testing.assert_array_equal(model.place.classifier.kernel, before[1])
    # The second look teaches no place.
    alone = model.learn(looks[:1], 0.1)
    np.testing.assert_array_equal(new.place.classifier.kernel, alone.place.classifier.kernel)


def test_what_scale_a_look_has_is_learned(model):
    # A target that was said to be larger than it looks from the first frame: the word counts.
    image = rendered(160, 160, SIDE)
    compact = model.compact(features(cut(image, 160, 160)))
    response = model.respond(compact)
    new = model
    for _ in range(6):
        new = new.learn([(compact, box_at(0, 0, 1.1)), (compact, box_at(0, 0, 1.1))], 0.1)
    before, after = model.measure(compact, response), new.measure(compact, response)
    assert before + 0.04 < after < math.log(1.1) + 0.02


def test_presence_is_even_where_it_should_be_and_rises():
    values = presence(np.array([-1, 0, RESPONSE_MIDPOINT, 1, 2], np.float32))
    assert values.dtype == np.float32 and values[2] == pytest.approx(0.5, abs=1e-6)
    assert (np.diff(values) >= 0).all() and values[0] < 1e-4 and values[-1] > 1 - 1e-4
