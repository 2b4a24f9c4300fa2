import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.errors import SourceError
from tracker_ros.evaluation.vot.regions import bounding_box, overlap, read_regions

SIZE = (96, 72)
TRIANGLE = (0, 0, 4, 0, 0, 4)  # rows of 5, 4, 3, 2 and 1 pixels
SQUARE = (1, 1, 4, 1, 4, 4, 1, 4)  # 4 by 4 pixels: corners are inside


def region(*numbers):
    return np.array(numbers, float)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    (
        ((0, 0, 4, 4), (2, 0, 4, 4), 8 / 24),
        ((0, 0, 4, 4), (4, 0, 4, 4), 0),
        ((0, 0, 4, 4), (50, 60, 4, 4), 0),
        (SQUARE, (1, 1, 4, 4), 1),
        (SQUARE, (1, 1, 3, 3), 9 / 16),
        (SQUARE, SQUARE[::-1], 1),  # the corners in the other direction, x and y being alike
        (TRIANGLE, (0, 0, 5, 5), 15 / 25),
        (TRIANGLE, (0, 0, 2, 9), (2 + 2 + 2 + 2 + 1) / (15 + 9)),
        ((0.5, 1.5, 2.5, 3.5), (0, 2, 2, 4), 1),  # halves go to the even number
        ((-4, 0, 8, 4), (0, 0, 4, 4), 1),  # only what is in the picture counts
        ((92, 70, 50, 50), (92, 70, 4, 4), 4 * 2 / (4 * 2)),
        ((200, 200, 9, 9), (200, 200, 9, 9), 0),
        ((5, 5, 0.2, 9), (5, 5, 9, 9), 0),
    ),
)
def test_pixels_counted_by_hand(a, b, expected):
    assert overlap(region(*a), region(*b), SIZE) == pytest.approx(expected, abs=1e-12)
    assert overlap(region(*b), region(*a), SIZE) == pytest.approx(expected, abs=1e-12)


# What vot-toolkit 0.9.0 says of these regions in a picture of SIZE.
GOLDEN = (
    ((54.7, 38.3, 80.2, 70.4, 65.3, 82.2, 39.8, 50.1),
     (69.3, 86.2, 43.8, 54.1, 58.7, 42.3, 84.2, 74.4), 0.7860082304526749),
    ((74.3, 36.6, 93.5, 57.9, 77.1, 72.7, 57.9, 51.4), (62.0, 38.0, 28.7, 22.1),
     0.5156431054461182),
    ((77.6, 23.2, 63.1, 70.9, 23.2, 58.7, 37.7, 11.1), (17.7, 9.1, 49.8, 41.7),
     0.4478423377505946),
    ((28.4, 38.3, 28.7, 50.0, 17.3, 50.3, 17.0, 38.6),
     (21.3, 54.3, 21.0, 42.6, 32.4, 42.3, 32.7, 54.0), 0.28634361233480177),
    ((45.8, 28.3, 75.6, 29.4, 74.9, 49.3, 45.1, 48.2), (39.5, 24.0, 29.9, 19.9),
     0.44391971664698937),
    ((31.2, 9.1, 40.2, 13.6, 20.9, 52.3, 11.9, 47.7), (20.3, 9.8, 10.1, 43.2),
     0.36976047904191617),
    ((78.7, 12.2, 92.1, 43.3, 80.8, 48.3, 67.3, 17.1), (66.2, 22.9, 33.9, 12.4),
     0.2748447204968944),
    ((97.6, 11.5, 85.7, 59.2, 53.1, 51.0, 65.0, 3.3), (52.0, 11.7, 49.1, 33.6),
     0.6081284495735073),
)  # fmt: skip


@pytest.mark.parametrize(("a", "b", "expected"), GOLDEN)
def test_the_toolkit_counts_the_same_pixels(a, b, expected):
    assert overlap(region(*a), region(*b), SIZE) == pytest.approx(expected, abs=1e-12)


corner = st.floats(-20, 110)
rectangles = st.tuples(corner, corner, st.floats(1, 60), st.floats(1, 60))
quadrangles = st.tuples(*[corner] * 8)
regions = st.one_of(rectangles, quadrangles).map(lambda numbers: region(*numbers))


@given(regions, regions)
def test_any_two_regions_have_an_overlap(a, b):
    value = overlap(a, b, SIZE)
    assert 0 <= value <= 1
    assert value == overlap(b, a, SIZE)
    assert overlap(a, a, SIZE) in (0, 1)  # 0 outside the picture


def test_what_a_tracker_is_started_on():
    assert bounding_box(region(1, 2, 3, 4)).tolist() == [1, 2, 3, 4]
    assert bounding_box(region(5, 1, 9, 3, 7, 8, 2, 6)).tolist() == [2, 1, 7, 7]


def test_regions_of_a_file(tmp_path):
    path = tmp_path / "groundtruth.txt"
    path.write_text("1,2,3,4\r\n0,0,4.5,0,4,4,0,4\n\n")
    assert [r.tolist() for r in read_regions(path)] == [[1, 2, 3, 4], [0, 0, 4.5, 0, 4, 4, 0, 4]]


@pytest.mark.parametrize(
    ("line", "message"),
    (
        ("1,2,3", "has 3 numbers"),
        ("1,2,3,4,5", "has 5 numbers"),
        ("1_0,2,3,4", "no rectangle or polygon"),
        ("a,b,c,d", "no rectangle or polygon"),
        ("", "no rectangle or polygon"),
        ("m0,0,4,4,2,3", "is a mask"),
        ("nan,nan,nan,nan", "has no region"),
        ("1,2,0,4", "without area"),
        ("1,2,1e300,4", "a number that is of no picture"),
        ("1,1,2,1,3,1,4,1", "without area"),
    ),
)
def test_a_bad_region_is_named(tmp_path, line, message):
    path = tmp_path / "groundtruth.txt"
    path.write_text(f"1,2,3,4\n{line}\n1,2,3,4\n")
    with pytest.raises(SourceError, match=rf"groundtruth\.txt line 2.*{message}"):
        read_regions(path)
