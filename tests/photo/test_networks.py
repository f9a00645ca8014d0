"""The small networks: ONNX Runtime answers what the engines they were published for, or came with, answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.config import ASSETS
from studio.photo.onnx_network import Network, Unreadable, load_network

WEIGHTS = ASSETS / "weights"


def made(side: int) -> np.ndarray:
    """A picture of ramps and squares, as a network takes it: (1, 3, side, side), -1..1."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    picture = np.stack([(x * 5) % 256, (y * 5) % 256, ((x // 8 + y // 8) % 2) * 200 + 20])
    return (picture[None] / 127.5 - 1).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "side", "wanted"),
    [
        (
            "short", 128,
            {0: (0.591, -0.326, 25.985, 25.984, -4.227), 333: (-3.467, -3.515, 32.055, 32.055, -3.402),
             700: (2.906, 0.072, 86.792, 86.768, -24.15), 895: (25.576, 16.856, 182.093, 182.009, -103.895)},
        ),
        (
            "full", 192,
            {0: (-3.161, -2.863, 12.035, 12.041, -7.724), 333: (-2.257, -1.538, 15.256, 15.253, -4.776),
             700: (-1.986, -1.851, 20.37, 20.367, -3.548), 2303: (-1.845, -0.964, 24.812, 24.815, -6.33)},
        ),
    ],
)  # fmt: skip
def test_the_face_detectors_answer_what_their_tflite_files_answered(name: str, side: int, wanted: dict) -> None:
    """The numbers are those of the original files in OpenCV 5.0.0's classic engine."""
    boxes, scores = load_network(WEIGHTS / f"face_detection_{name}_range.onnx").run(made(side), "regressors", "classificators")
    for anchor, numbers in wanted.items():
        assert (*boxes[0, anchor, :4], scores[0, anchor, 0]) == pytest.approx(numbers, abs=2e-3)


def test_saliency_is_what_opencv_makes_of_the_same_file() -> None:
    file = WEIGHTS / "u2netp.onnx"
    other = cv2.dnn.readNetFromONNX(str(file))
    other.setInput(made(320))
    assert np.abs(load_network(file).run(made(320))[0] - np.asarray(other.forward())).max() < 1e-4


def test_threads_share_a_network_and_it_is_opened_once() -> None:
    file = WEIGHTS / "face_detection_short_range.onnx"
    views = [made(128) * share for share in (1, 0.5, 0.2, -1)]
    alone = [load_network(file).run(view)[0] for view in views]
    with ThreadPoolExecutor(4) as crowd:
        together = list(crowd.map(lambda view: load_network(file).run(view)[0], views * 4))
        assert len({id(one) for one in crowd.map(lambda _: load_network(file), range(8))}) == 1
    for index, answer in enumerate(together):
        assert np.array_equal(answer, alone[index % 4])


def test_what_is_no_network_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    for file in (broken, tmp_path / "missing.onnx"):
        with pytest.raises(Unreadable, match=file.name):
            Network(file)
