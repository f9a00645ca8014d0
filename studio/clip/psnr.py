"""PSNR of two clips, frame by frame: how far the pixels of one are from those of the other."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

MOST = 99.0
"""dB of clips that are alike in every pixel, where the formula gives no number."""


def measure_psnr(first: Path, second: Path) -> float | None:
    """Peak signal-to-noise ratio in dB of two films' decoded frames, at most `MOST`; None where they can't be held
    against each other: other sizes or counts of frames, or a file that can't be read.

    10 log10(255² / MSE), the mean of the squared differences taken over R, G and B of all pixels of all frames (ITU-T
    J.340, with one mean for the clip). Frames are decoded one pair at a time.
    """
    import av

    squared, pixels = 0.0, 0
    try:
        with av.open(str(first)) as one, av.open(str(second)) as other:
            for left, right in zip(one.decode(video=0), other.decode(video=0), strict=True):
                pair = [frame.to_ndarray(format="rgb24").astype(np.int32) for frame in (left, right)]
                squared += float(np.square(pair[0] - pair[1]).sum(dtype=np.int64))
                pixels += pair[0].size
    except (ValueError, IndexError, OSError, av.FFmpegError):  # ValueError: other shapes, or one has more frames
        return None
    if not pixels:
        return None
    return min(MOST, 10 * math.log10(255.0**2 * pixels / squared)) if squared else MOST
