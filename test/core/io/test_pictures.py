import re
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_ros.core.errors import InputError
from tracker_ros.core.io.pictures import decode, write_picture

PICTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8), (0, 0), 2
)
PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTS = (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
EXIF = (  # turn by 90 degrees
    b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
)


def jpeg(*options) -> bytes:
    return cv2.imencode(".jpg", PICTURE, options)[1].tobytes()


@pytest.mark.parametrize("options", ((), PROGRESSIVE, RESTARTS))
def test_jpeg_without_end_marker_or_with_bytes_behind_it(options):
    data = jpeg(*options)
    whole = decode(data)
    film = b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\x08\xff\xd8 other pictures" * 50
    for variant in (data[:-2], data[:-1], data + film, data + b"\0" * 99, data + data):
        np.testing.assert_array_equal(decode(variant), whole)


@pytest.mark.parametrize("options", ((), PROGRESSIVE, RESTARTS))
@pytest.mark.parametrize("share", (0.3, 0.6, 0.9))
@pytest.mark.parametrize("end", (b"", b"\0" * 1000))
def test_truncated_jpeg(options, share, end):
    data = jpeg(*options)
    with pytest.raises(InputError, match=r"truncated JPEG|not a picture"):
        decode(data[: int(len(data) * share)] + end)


@pytest.mark.parametrize("shrink", (1, 2, 4, 8))
def test_orientation_tags_are_not_obeyed(shrink):
    data = jpeg()
    turned = decode(data[:2] + EXIF + data[2:], shrink)
    assert turned.shape == (96 // shrink, 128 // shrink, 3)
    np.testing.assert_array_equal(turned, decode(data, shrink))
    obeyed = cv2.imdecode(np.frombuffer(data[:2] + EXIF + data[2:], np.uint8), cv2.IMREAD_COLOR)
    assert obeyed.shape == (128, 96, 3)  # so the tag is one that OpenCV obeys


@pytest.mark.parametrize("shrink", (1, 2, 4, 8))
@pytest.mark.parametrize("kind", (np.float32, np.float64, np.int16))
def test_tiff_with_one_channel_of_any_kind(kind, shrink):
    data = cv2.imencode(".tiff", PICTURE[..., 0].astype(kind))[1].tobytes()
    found = decode(data, shrink)
    assert found.dtype == np.uint8 and found.shape == (96 // shrink, 128 // shrink, 3)
    assert len(np.unique(found)) > 40


@pytest.mark.parametrize("suffix", (".png", ".tiff", ".pgm"))
def test_12_bits_in_16_keep_their_contrast(suffix):
    grey = PICTURE[..., 0]
    data = cv2.imencode(suffix, grey.astype(np.uint16) * 16)[1].tobytes()
    found = decode(data)
    assert found.dtype == np.uint8 and found.shape == (96, 128, 3)
    assert len(np.unique(found)) > 0.6 * len(np.unique(grey))


@pytest.mark.parametrize("suffix", (".png", ".webp", ".bmp", ".tiff"))
@given(st.data())
def test_mutated_pictures_are_decoded_or_named(suffix, data):
    content = bytearray(cv2.imencode(suffix, PICTURE[:16, :16])[1].tobytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        assert decode(bytes(content[: data.draw(st.integers(0, len(content)))])).dtype == np.uint8
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    (
        ("a.pdf", (8, 8, 3), "'.pdf' is no suffix of a picture"),
        ("a", (8, 8, 3), "'' is no suffix of a picture"),
        ("a.pgm", (8, 8, 3), ".pgm does not hold a picture of 8x8"),
        ("a.jpg", (70_000, 1, 3), ".jpg does not hold a picture of 1x70000"),
    ),
)
def test_what_no_picture_can_be_leaves_no_file(tmp_path, name, shape, said):
    with pytest.raises(InputError, match=re.escape(said)):
        write_picture(tmp_path / name, np.zeros(shape, np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded():
    """In a process of its own: OpenCV takes its limit from the environment when it is loaded."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", 17_000, 17_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(17_000 * (1 + 17_000 // 8)))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert len(png) < 100_000
    script = (
        "import sys\n"
        "from tracker_ros.core.io.pictures import InputError, decode\n"
        "try: print(decode(sys.stdin.buffer.read()).shape)\n"
        "except InputError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=png, capture_output=True)
    assert done.stdout.decode().endswith(
        " has more pixels than OPENCV_IO_MAX_IMAGE_PIXELS allows\n"
    )
