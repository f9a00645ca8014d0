"""A process that makes a batch and writes its files: `python -m tests.fakes.batch_process HOME PHOTOS OUT PACE`.

It begins the batch, or goes on with the one that is there, on the stand-in engine at PACE seconds a frame, and ends once all is
written. Killed at any moment and begun again it has to come to the same end.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from studio.batch.batch_nouns import BatchSettings
from studio.config import ROOT, Settings
from studio.nouns import Motion
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder

SETTINGS = BatchSettings(
    motion=Motion(), sentence="{name} sways", model="gradient", size="240p", seconds=1.0, fps=8, variations=2,
)  # fmt: skip


def run(home: Path, photos: Path, out: Path, pace: float) -> None:
    """One life of the process, to its end."""
    with closing(Studio(Settings(home), (CARD,), finder(Gradient(pace)))) as studio:
        one = studio.batches.create([photos], SETTINGS, press="the same")
        studio.batches.resume(one.id)
        studio.batches.take_anyway(one.id)
        studio.start(adopt=False)
        while any(row.state not in ("done", "refused") for row in studio.batches.stand(one.id)):
            if any(row.state == "aside" for row in studio.batches.stand(one.id)):
                studio.batches.take_anyway(one.id)
            time.sleep(0.02)
        studio.batches.write_out(one.id, out)


def kill_and_go_on(home: Path, photos: Path, out: Path, pace: float, kills: int, seed: int, longest: float) -> int:
    """Kill the process at so many random moments of its life, then let it come to its end. How many were killed at work."""
    chance, at_work = random.Random(seed), 0
    command = [sys.executable, "-m", "tests.fakes.batch_process", str(home), str(photos), str(out), str(pace)]
    for _ in range(kills):
        life = subprocess.Popen(command, cwd=ROOT)
        try:
            life.wait(chance.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            life.kill()
            at_work += 1
            life.wait()
    subprocess.run(command, cwd=ROOT, check=True)
    return at_work


def require_whole(home: Path, photos: Path, out: Path) -> Counter[str]:
    """Check that nothing was lost, made twice or half written. How many files each platform has."""
    names = sorted(file.stem for file in photos.glob("*.jpg"))
    with closing(Studio(Settings(home), (CARD,), finder(Gradient(0)))) as studio:
        (one,) = studio.batches.find()
        rows, clips = studio.batches.rows(one.id), studio.library.find(limit=1000)
        assert sorted(Path(row.name).stem for row in rows) == names
        wanted = [clip.job for row in rows for clip in row.clips]
        assert len(clips) == len(set(wanted)) == 2 * len(names), "a clip was lost or made twice"
        assert {clip.id for clip in clips} == set(wanted)
        (folder,) = out.iterdir()
        files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
        promised = {(file.path, clip.job) for row in rows for clip in row.clips for file in clip.files}
        made = {path for path in files if path.endswith(".mp4")}
        assert made == {path for path, _ in promised} and len(promised) == len(wanted), "a file is missing or too many"
        assert not [path for path in files if path.endswith(".part") or "/." in f"/{path}"], "something half written is left"
        for path, job in promised:
            assert files[path].read_bytes() == studio.library.file(studio.library.get(job)).read_bytes(), f"{path} isn't whole"
    return Counter(path.split("/")[0] for path in made)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
