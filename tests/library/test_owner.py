"""Who is alive: a claim lasts as long as its process, however that ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

from studio.config import ROOT
from studio.library.live_processes import Owner

HOLD = """
import sys
from pathlib import Path
from studio.library.live_processes import Owner
owner = Owner(Path(sys.argv[1]))
print(owner.token, owner.room(Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def test_two_owners_know_each_other(tmp_path: Path) -> None:
    first, second = Owner(tmp_path), Owner(tmp_path)
    assert first.alive(second.token)
    assert second.alive(first.token)
    assert first.alive(first.token)
    second.release()
    second.release()
    assert not first.alive(second.token)
    assert not first.alive("")
    assert not first.alive("never seen")


def test_what_one_holds_alone_another_waits_for(tmp_path: Path) -> None:
    order: list[str] = []

    def work(owner: Owner, name: str) -> None:
        with owner.hold_alone("batch-1"):
            order.append(f"{name} begins")
            with owner.hold_alone("batch-2"):
                time.sleep(0.05)
            order.append(f"{name} ends")

    threads = [Thread(target=work, args=(Owner(tmp_path), name)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = order[0][0], order[2][0]
    assert order == [f"{first} begins", f"{first} ends", f"{second} begins", f"{second} ends"] and first != second
    Owner(tmp_path).sweep(tmp_path)
    assert not (tmp_path / "batch-1").exists()


def test_a_killed_process_is_dead_and_its_temporary_files_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "locks"), str(tmp_path / "cache")]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    token, room = process.stdout.readline().split()
    (Path(room) / "half a clip.mp4").write_bytes(b"half")
    here = Owner(tmp_path / "locks")
    mine = here.room(tmp_path / "cache")
    here.sweep(tmp_path / "cache")
    assert here.alive(token)
    assert (Path(room) / "half a clip.mp4").exists()
    process.kill()
    process.communicate()
    assert not here.alive(token)
    here.sweep(tmp_path / "cache")
    assert not Path(room).exists()
    assert mine.exists()
    assert [file.name for file in (tmp_path / "locks").iterdir()] == [here.token]
