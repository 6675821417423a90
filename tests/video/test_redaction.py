"""Blurring, and pictures for the archive."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from index.read import Box
from video.redaction import blurred, pack_jpeg

PICTURE = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)


def test_a_box_keeps_no_detail_and_the_rest_is_untouched() -> None:
    done = blurred(PICTURE, [Box(40, 30, 40, 40)], margin=0.0)
    inside = done[30:70, 40:80].astype(float)
    assert inside.std() < 0.35 * PICTURE[30:70, 40:80].std()
    outside = np.ones((120, 160), bool)
    outside[30:70, 40:80] = False
    assert (done[outside] == PICTURE[outside]).all()
    assert done is not PICTURE


def test_only_the_tiles_means_are_left() -> None:
    shuffled = PICTURE.copy()
    shuffled[30:36, 40:46] = PICTURE[30:36, 40:46][::-1, ::-1]
    box = Box(40, 30, 36, 36)
    assert (blurred(PICTURE, [box], margin=0.0) == blurred(shuffled, [box], margin=0.0)).all()


@pytest.mark.parametrize("box", [Box(-30, -30, 50, 50), Box(150, 110, 50, 50), Box(500, 500, 10, 10), Box(5, 5, 0, 0)])
def test_boxes_at_and_beyond_the_edge(box: Box) -> None:
    assert blurred(PICTURE, [box]).shape == PICTURE.shape


def test_jpeg() -> None:
    smooth = cv2.resize(PICTURE[:4, :4], (400, 200))
    back = cv2.imdecode(np.frombuffer(pack_jpeg(smooth, 200_000), np.uint8), cv2.IMREAD_COLOR)
    assert back.shape == smooth.shape
    assert np.abs(back.astype(int) - smooth).mean() < 3


def test_a_jpeg_that_would_be_too_large_becomes_coarser_then_smaller() -> None:
    sizes = [len(pack_jpeg(PICTURE, most)) for most in (30_000, 10_000, 5_000, 10)]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size <= most for size, most in zip(sizes, (30_000, 10_000, 5_000, 10), strict=True))
    small = cv2.imdecode(np.frombuffer(pack_jpeg(PICTURE, 5_000), np.uint8), cv2.IMREAD_COLOR)
    assert small.shape[0] < PICTURE.shape[0]
    assert pack_jpeg(PICTURE, 10) == b""
