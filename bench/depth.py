"""How right the built-in depth is: pairs of points labelled by eye, stereo pictures, and drawn scenes whose depth is known.

STIR_BENCH_BASE=/another/checkout sets another build's depth beside this one's, measured in the same run. Labels, pictures and
whence: bench/scenes; the drawn scenes: bench.known.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import known
from bench.clips import python_path, table, verdict
from studio.config import ASSETS, ROOT

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

SCENES = Path(__file__).parent / "scenes"
PAIRS = 100
APART = 0.1
"""The least distance between the points of a pair, as a share of the picture's diagonal."""

DIFFER = 1.1
"""Distances seen by eye that differ by less than this factor are equal, and the pair doesn't count."""

MOST_WRONG = 15.0
STEREO = ("corridor", "cycles", "desk", "livingroom", "selfie", "toy")
READ = """
import sys, time
import numpy as np
from either_build import depth_cues, find_matte
loaded, found = np.load(sys.argv[1]), {}
for name in loaded.files:
    image = loaded[name]
    subject = find_matte(image)
    spent = []
    for _ in range(3):
        start = time.process_time()
        read = depth_cues.estimate(image, subject)
        spent.append(time.process_time() - start)
    found[name], found[name + " time"] = read.disparity, min(spent)
np.savez(sys.argv[2], **found)
"""
"""Read by a build's own Python path: the disparity of every picture, and the processor time it took."""


class Labelled(NamedTuple):
    """A photo's points, (n, 2) as fractions of width and height, the distance seen at each, and whether it is held out."""

    points: Floats
    distances: Floats
    held_out: bool


class Pair(NamedTuple):
    """Two points of a photo by index, the first being the nearer."""

    near: int
    far: int


def labels() -> dict[str, Labelled]:
    """The labelled photos by name."""
    read = tomllib.loads((SCENES / "labels.toml").read_text())
    found = {}
    for name, entry in read.items():
        points = np.array(entry["points"], np.float32)
        found[name] = Labelled(points[:, :2], points[:, 2], entry["held_out"])
    return found


def pairs(name: str, photo: Labelled, shape: tuple[int, int]) -> list[Pair]:
    """A hundred pairs of a photo at random, the same each time, of those that lie apart and differ in distance.

    shape: the picture's height and width. Fewer than a hundred where there are no more.
    """
    height, width = shape
    places = photo.points * (width, height)
    drawn = list(combinations(range(len(places)), 2))
    random.Random(f"pairs {name}").shuffle(drawn)
    found: list[Pair] = []
    for one, other in drawn:
        near, far = sorted((one, other), key=lambda at: float(photo.distances[at]))
        known_ = photo.distances[[near, far]]
        apart = np.linalg.norm(places[one] - places[other]) >= APART * np.hypot(width, height)
        if apart and not np.isnan(known_).any() and known_[1] >= DIFFER * known_[0] and np.isfinite(known_[0]):
            found.append(Pair(near, far))
    return found[:PAIRS]


def right(disparity: Floats, photo: Labelled, asked: list[Pair]) -> float:
    """The share of pairs that a disparity, (h, w) with near large, puts in the right order; a tie is wrong."""
    height, width = disparity.shape
    soft = cv2.blur(disparity, (3, 3))
    at = [float(soft[min(height - 1, int(y * height)), min(width - 1, int(x * width))]) for x, y in photo.points]
    return float(np.mean([at[pair.near] > at[pair.far] + 1e-4 for pair in asked]))


def spearman(found: Floats, truth: NDArray[np.floating], counts: NDArray[np.bool_]) -> float:
    """Rank correlation of a disparity with the true one, where `counts`; `found` is laid over `truth`."""
    from scipy.stats import spearmanr

    laid = cv2.resize(found, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return float(spearmanr(laid[counts], truth[counts]).statistic)


def photo(name: str) -> Image:
    """A picture that is labelled or has stereo truth, (H, W, 3) uint8 RGB."""
    import skimage.data
    from sklearn.datasets import load_sample_image

    for folder in (SCENES, ASSETS / "samples", ROOT / "bench" / "photos"):
        if (file := folder / f"{name}.jpg").is_file():
            return np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)
    if name == "china":
        return np.asarray(load_sample_image("china.jpg"), np.uint8)
    return np.ascontiguousarray(getattr(skimage.data, name)()[..., :3], np.uint8)


def stereo() -> Iterator[known.Scene]:
    """Pictures with a true disparity from stereo; 0 where it isn't known."""
    import skimage.data

    left, _, truth = skimage.data.stereo_motorcycle()
    yield known.Scene("motorcycle", left[..., :3], np.nan_to_num(truth, nan=0.0, posinf=0.0))
    for name in STEREO:
        yield known.Scene(name, photo(name), cv2.imread(str(SCENES / f"{name}.png"), cv2.IMREAD_GRAYSCALE).astype(float))


def read(pictures: Mapping[str, Image], root: Path) -> Mapping[str, NDArray[np.float32]]:
    """The depth of pictures by the build in `root`, each by name, and the seconds of processor time as "NAME time"."""
    with tempfile.TemporaryDirectory() as folder:
        there, back = Path(folder) / "pictures.npz", Path(folder) / "found.npz"
        np.savez(there, allow_pickle=False, **pictures)
        place = os.environ | {"PYTHONPATH": python_path(root)}
        subprocess.run([sys.executable, "-c", READ, str(there), str(back)], cwd=root, env=place, check=True)
        with np.load(back) as found:
            return {name: found[name] for name in found.files}


def run() -> None:
    """Print the tables: labelled pairs, stereo and drawn scenes, and processor time."""
    base = os.environ.get("STIR_BENCH_BASE")
    roots = {"base": Path(base), "new": ROOT} if base else {"new": ROOT}
    seen, measured, drawn = labels(), list(stereo()), list(known.scenes())
    pictures = {f"photo {name}": photo(name) for name in seen} | {f"stereo {scene.name}": scene.image for scene in measured}
    pictures |= {f"drawn {at}": scene.image for at, scene in enumerate(drawn)}
    found = {build: read(pictures, root) for build, root in roots.items()}
    _print_pairs(seen, pictures, found)
    truth = [(f"stereo {scene.name}", scene, scene.disparity > 0) for scene in measured]
    _print_truth("Spearman against stereo", truth, found)
    everywhere = np.ones((known.HEIGHT, known.WIDTH), np.bool_)
    truth = [(f"drawn {at}", scene, everywhere) for at, scene in enumerate(drawn)]
    _print_truth("Spearman on drawn scenes", truth, found)
    rows = [(build, f"{1000 * np.median([all_[f'{name} time'] for name in pictures]):.0f}") for build, all_ in found.items()]
    table("The step's processor time, median of the pictures", ("build", "ms"), rows)


def _print_pairs(
    seen: Mapping[str, Labelled], pictures: Mapping[str, Image], found: Mapping[str, Mapping[str, NDArray[np.float32]]]
) -> None:
    rows: list[tuple[str, ...]] = []
    shares: dict[tuple[str, bool], list[float]] = {}
    for name, labelled in seen.items():
        asked = pairs(name, labelled, pictures[f"photo {name}"].shape[:2])
        each = {build: right(all_[f"photo {name}"], labelled, asked) for build, all_ in found.items()}
        for build, share in each.items():
            shares.setdefault((build, labelled.held_out), []).append(share)
        kind = "held out" if labelled.held_out else ""
        rows.append((name, kind, str(len(asked)), *(f"{100 * share:.0f}" for share in each.values())))
    for held_out, title in ((False, "**tuned on**"), (True, "**held out**")):
        rows.append((title, "", "", *(f"**{100 * np.mean(shares[build, held_out]):.1f}**" for build in found)))
    every = {build: float(np.mean(shares[build, False] + shares[build, True])) for build in found}
    rows.append(("**all**", "", "", *(f"**{100 * share:.1f}**" for share in every.values())))
    table("Labelled pairs put in the right order, per cent", ("photo", "", "pairs", *found), rows)
    print(f"\nWrong over all photos, per cent: {verdict(100 * (1 - every['new']), MOST_WRONG)}")


def _print_truth(
    title: str,
    scenes: list[tuple[str, known.Scene, NDArray[np.bool_]]],
    found: Mapping[str, Mapping[str, NDArray[np.float32]]],
) -> None:
    rows: list[tuple[str, ...]] = []
    every: list[list[float]] = []
    for key, scene, counts in scenes:
        each = [spearman(all_[key], scene.disparity, counts) for all_ in found.values()]
        every.append(each)
        rows.append((scene.name, *(f"{one:.2f}" for one in each)))
    rows.append(("**mean**", *(f"**{one:.3f}**" for one in np.mean(every, 0))))
    table(title, ("scene", *found), rows)
