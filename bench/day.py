"""A person's day at the studio, sped up, with its kills: python -m bench day [--share 0.05] [--seed N].

24 hours in one run, as fast as it goes: 1,000 clips (240p, 1 s; some of 10 s, to be at work meanwhile), 200 page loads and 100
reloads in mid-job in a real Chromium, 20 kill -9 at random moments with jobs, uploads, ratings, trash, finishes and exports in
flight, one backup an hour while it runs, jobs stopped, the trash emptied, the studio ended in order and begun again. The process
is `python app.py` itself. After each kill and at the end the home folder is compared with all that the studio has answered.
`--share` takes that part of everything; SIGTERM has a run come to its end early, which its tables say. What happens when follows
from the seed, the moments of the machine don't.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.clips import middle, table
from bench.day_pages import Browser
from studio.config import ASSETS, ROOT
from tests.fakes.person import LONG, Ledger, Person, paint_photo
from tests.fakes.served_app import ServedApp
from tests.fakes.whole_home import KINDS, HomeReader, find_backup_faults

CLIPS = 1000
HAPPENINGS = {
    "load": 200, "reload": 100, "kill": 20, "backup": 24, "rate": 200, "trash": 80, "restore": 25, "empty": 6, "upload": 60,
    "broken upload": 20, "finish": 30, "export": 30, "stop": 30, "clear": 8, "restart": 3,
}  # fmt: skip
"""How often each happens in a day."""

EVENING = 0.7
"""From this part of the day on nothing is killed or restarted: there the slope of the memory is measured."""

HANDS = 3
LONGEST = 3.0
"""Seconds that the hands work at most before a kill."""

WAITING = 6
"""Jobs that wait before the next is asked for."""


def plan(share: float, chance: random.Random) -> list[str]:
    """What happens, in its order: at least once each, clips first."""
    counts = {name: max(1, round(count * share)) for name, count in HAPPENINGS.items()}
    disrupting = [name for name in ("kill", "restart") for _ in range(counts[name])]
    rest = [name for name, count in counts.items() if name not in ("kill", "restart") for _ in range(count)]
    rest += ["clip"] * round(CLIPS * share)
    chance.shuffle(rest)
    for name in disrupting:
        rest.insert(chance.randrange(int(len(rest) * EVENING)), name)
    return ["upload", "clip", "clip", *rest]


class Day:
    """One run: the process, its person and browser, and what was seen."""

    def __init__(self, room: Path, share: float, seed: int) -> None:
        self.room, self.share, self.chance = room, share, random.Random(seed)
        self.app, self.ledger, self.seen = ServedApp(room / "home"), Ledger(), Counter[str]()
        self.home, self.person = HomeReader(room / "home"), Person(self.app, self.ledger, seed)
        self.restarts, self.loads = list[float](), list[float]()
        self.faults, self.memory = list[str](), list[tuple[int, float]]()
        self.hour, self.enough = 0.0, threading.Event()
        self.quarters = list[tuple[float, int, float, Counter[str]]]()
        self._backup: tuple[subprocess.Popen[bytes], Path, set[str]] | None = None

    @property
    def made(self) -> int:
        """Clips that were made so far, those that were deleted since among them."""
        return len(self.ledger.trashed.keys() | self.ledger.emptied)

    def live(self) -> None:
        """The whole day."""
        first = self.app.start()
        print(f"begun in {first:.1f} s", file=sys.stderr)
        self.browser = Browser(self.app.url)
        happenings = plan(self.share, self.chance)
        signal.signal(signal.SIGTERM, lambda *_: self.enough.set())
        try:
            for at, name in enumerate(happenings):
                self.hour = 24 * (at + 1) / len(happenings)
                self.do(name)
                if at == 0:
                    self.browser.lay_out(ASSETS / "samples" / "dandelion.jpg")
                if name in ("kill", "restart"):
                    self.memory.clear()
                self.memory.append((self.made, self.app.measure_memory()))
                if at % 20 == 0:
                    print(f"{self.hour:4.1f} h, clips and MB: {self.memory[-1]}", file=sys.stderr, flush=True)
                if self.hour >= 6 * (len(self.quarters) + 1):
                    self.quarters.append((self.hour, self.made, self.memory[-1][1], self.home.measure()))
                if self.enough.is_set():
                    break
            self.come_to_the_end()
        finally:
            self.browser.close()
            self.app.kill()

    def do(self, name: str) -> None:
        """One happening."""
        person = self.person
        does: dict[str, Callable[[], object]] = {
            "load": lambda: self.loads.append(self.browser.load()), "reload": self.reload, "kill": self.kill,
            "backup": self.back_up, "rate": person.rate, "trash": person.trash, "restore": person.restore,
            "empty": person.empty_trash, "upload": person.upload_photo, "broken upload": self.break_upload,
            "finish": person.finish, "export": person.export, "stop": self.stop, "clip": self.make_clip,
            "clear": lambda: self.app.ask("clear_ended", {}), "restart": self.restart,
        }  # fmt: skip
        does[name]()
        self.seen[name] += 1
        self.person.note_clips(self.home.list_clips())
        if self._backup and self._backup[0].poll() is not None:
            self.check_backup()

    # What happens -----------------------------------------------------------------------------------------------------

    def make_clip(self) -> None:
        """A new shot of a photo, or another take; once few enough wait."""
        self.wait_until(lambda: len(self.home.list_jobs("queued", "running")) <= WAITING)
        (self.person.submit if self.chance.random() < 0.3 else self.person.make_again)()

    def begin_long(self) -> str:
        """A job that is at work."""
        self.wait_until(lambda: len(self.home.list_jobs("queued", "running")) <= 1)
        job = self.person.submit(**LONG)
        self.wait_until(lambda: job not in self.home.list_jobs("queued"))
        return job

    def reload(self) -> None:
        """Reload the page while a job is at work, which it has to show again."""
        job = self.begin_long()
        if not job:
            return
        at_work = job in self.home.list_jobs("running")
        if not self.browser.reload(job):
            self.faults.append(f"lost: job {job[:8]} on the page that was reloaded")
        self.seen["reloads while it was at work"] += at_work

    def stop(self) -> None:
        """Cancel a job that is at work."""
        self.person.stop_job(self.begin_long())

    def break_upload(self) -> None:
        """Half of a photo arrives."""
        self.app.break_upload(paint_photo(self.chance))

    def kill(self) -> None:
        """kill -9 while jobs run and several hands change things; then the studio has to be there again with all it has said."""
        self.browser.away = True
        long = self.chance.random() < 0.5 and self.begin_long()
        if self.chance.random() < 0.2:
            self.kill_while_the_trash_is_emptied()
        else:
            self.kill_amid_work()
        self.seen["kills of a long clip"] += bool(long and long in self.home.list_jobs("running"))
        if self.chance.random() < 0.2:
            self.kill_at_its_start()
        self.begin_again()

    def kill_amid_work(self) -> None:
        """Several hands change things until the process is gone."""
        over = threading.Event()
        hands = [Person(self.app, self.ledger, self.chance.getrandbits(32), hand, HANDS) for hand in range(HANDS)]
        threads = [threading.Thread(target=keep_busy, args=(hand, over), daemon=True) for hand in hands]
        for thread in threads:
            thread.start()
        time.sleep(self.chance.uniform(0.02, LONGEST))
        at_work = len(self.home.list_jobs("running"))
        self.app.kill()
        over.set()
        for thread in threads:
            thread.join()
        self.seen["kills while a job was at work"] += bool(at_work)

    def kill_while_the_trash_is_emptied(self) -> None:
        """Some clips are in the trash, and are being deleted."""
        for _ in range(6):
            self.person.trash()
        thread = threading.Thread(target=self.person.empty_trash, daemon=True)
        thread.start()
        time.sleep(self.chance.uniform(0.0, 0.2))
        self.app.kill()
        thread.join()
        self.seen["kills while the trash was emptied"] += 1

    def kill_at_its_start(self) -> None:
        """Killed again before it is there."""
        timer = threading.Timer(self.chance.uniform(0.5, 4.0), lambda: self.app.kill())
        timer.start()
        try:
            self.app.start()
        except AssertionError:
            self.seen["killed at the start too"] += 1
        timer.join()

    def restart(self) -> None:
        """End it in order while a job is at work, and begin it again."""
        self.browser.away = True
        self.begin_long()
        code = self.app.stop()
        if code:
            self.faults.append(f"lost: an end in order has exit code {code}")
        self.begin_again()

    def begin_again(self) -> None:
        """Start it, see that all is there, and have what was interrupted made after all."""
        began = time.monotonic()
        self.app.start()
        self.app.ask("find_clips", {})
        self.restarts.append(time.monotonic() - began)
        self.person.note_clips(self.home.list_clips())
        self.note_faults(self.home.find_faults(self.ledger), f"after kill {self.seen['kill'] + 1}")
        self.person.note_clips(self.home.list_clips(), settled=True)
        for job in self.home.list_jobs("interrupted"):
            self.person.resume(job)
        self.browser.come_back()

    def back_up(self) -> None:
        """Begin a backup, a process of its own, which the studio goes on beside; the one before is looked at first."""
        self.check_backup()
        copy = self.room / "backups" / f"{self.seen['backup']:03d}.db"
        copy.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "studio", "backup", str(copy), "--home", str(self.app.home)]
        clips = set(self.home.list_clips())
        self._backup = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL), copy, clips

    def check_backup(self) -> None:
        """See that the last backup has become whole."""
        if self._backup:
            process, copy, clips = self._backup
            self._backup = None
            if process.wait(300):
                self.faults.append(f"lost: a backup ended with {process.returncode}")
                return
            self.note_faults(find_backup_faults(copy, clips, self.ledger.emptied), copy.stem)
            self.seen["backups that are whole"] += 1

    def come_to_the_end(self) -> None:
        """As many clips as the day has, whatever was stopped; then everything has ended, and so does the studio."""
        self.check_backup()
        while True:
            self.wait_until(lambda: not self.home.list_jobs("queued", "running"))
            self.person.note_clips(self.home.list_clips())
            for job in self.home.list_jobs("interrupted"):
                self.person.resume(job)
            missing = 0 if self.enough.is_set() else round(CLIPS * self.share) - self.made
            if missing <= 0 and not self.home.list_jobs("queued", "running", "interrupted"):
                break
            for _ in range(min(missing, WAITING)):
                self.person.make_again()
        self.memory.append((self.made, self.app.measure_memory()))
        self.browser.away = True
        self.note_faults(self.home.find_faults(self.ledger, ended=True), "at the end")
        self.app.stop()
        self.age_uploads()
        self.restarts.append(self.app.start())
        self.app.stop()
        self.faults += self.home.find_left()

    def age_uploads(self) -> None:
        """What was uploaded and never taken in goes at the first start after an hour: an hour passes."""
        left = list((self.app.home / "cache/uploads").rglob("*"))
        self.seen["uploads that nobody took in"] = sum(one.is_file() for one in left)
        self.seen["folders of uploads"] = sum(one.is_dir() for one in left)
        for left in (self.app.home / "cache/uploads").glob("*"):
            os.utime(left, (time.time() - 7200,) * 2)

    # What is seen -----------------------------------------------------------------------------------------------------

    def note_faults(self, faults: list[str], when: str) -> None:
        """Each once, with the moment it was first seen."""
        seen = {fault.split(" | ")[0] for fault in self.faults}
        self.faults += [f"{fault} | {when}" for fault in faults if fault not in seen]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the studio does by itself."""
        end = time.monotonic() + 600
        while not condition():
            assert time.monotonic() < end, "the queue stands still"
            time.sleep(0.1)

    def list_errors(self) -> list[str]:
        """Lines of the log that are errors."""
        logs = (self.app.home / "logs").glob("stir.log*")
        return [line for log in logs for line in log.read_text("utf-8").splitlines() if " ERROR " in line]

    def measure_slope(self) -> tuple[float, int, int]:
        """MB a clip from the evening's first third on, and from how many clips to how many."""
        made = [at for at in self.memory if at[0] >= self.memory[0][0] + (self.memory[-1][0] - self.memory[0][0]) / 3]
        clips, held = zip(*made, strict=True)
        return float(np.polyfit(clips, held, 1)[0]) if len(set(clips)) > 1 else 0.0, clips[0], clips[-1]


def keep_busy(hand: Person, over: threading.Event) -> None:
    """Change things until the studio is gone."""
    while not over.is_set():
        hand.do_anything()


def report(day: Day, seed: int, load: tuple[str, str], minutes: float) -> None:
    """Print what was done and what was found."""
    seen = day.seen
    done = [("clips made, those deleted since among them", str(day.made))]
    done += [(name, str(seen[name])) for name in sorted(seen, key=lambda name: -seen[name]) if name != "clip"]
    table(
        f"{day.hour:.1f} of 24 hours, share {day.share:g}, seed {seed}, in {minutes:.0f} minutes, load {load[0]} to {load[1]}",
        ("what", "times"),
        done,
    )
    counts = Counter(fault.split(":")[0] for fault in day.faults)
    slope, first, last = day.measure_slope()
    home, errors = day.home.measure(), day.list_errors()
    rows = [(kind, f"{counts[kind]} (goal 0)") for kind in KINDS]
    rows += [
        ("usable again after a kill or an end", f"{middle(day.restarts):.1f} s median, {max(day.restarts):.1f} s worst"),
        ("page ready", f"{middle(day.loads):.1f} s median, {max(day.loads):.1f} s worst"),
        ("errors in the log", str(len(errors))), ("lines on the terminal", str(len(day.app.said))),
        ("errors in the browser's console", str(len(day.browser.faults))),
        ("requests that were refused", str(len(day.ledger.refusals))),
        (f"memory, from clip {first} to {last} of one life", f"{slope:.3f} MB a clip, {day.memory[-1][1]:.0f} MB at the end"),
        ("disk", ", ".join(f"{name} {size / 2**20:.1f} MB" for name, size in home.most_common() if size > 2**18)),
    ]  # fmt: skip
    table("What was found", ("what", "found"), rows)
    names = ("clips", "photos", "views", "cache", "stir.db", "logs")
    rows = [
        (f"{hour:.0f}", str(made), f"{held:.0f}", *(f"{sizes[name] / 2**20:.1f}" for name in names))
        for hour, made, held, sizes in day.quarters
    ]
    table("How it grew, in MB", ("hour", "clips made", "memory", *names), rows)
    told = [*day.faults[:40], *errors[:20], *day.app.said[:20], *day.browser.faults[:20]]
    told += [f"{count} × {words}" for words, count in Counter(day.ledger.refusals).most_common(10)]
    for line in told:
        print(f"- {line}")


def run(words: list[str] | None = None) -> None:
    """Print the tables."""
    say = argparse.ArgumentParser("python -m bench day", description=(__doc__ or "").split("\n\n")[0])
    say.add_argument("--share", type=float, default=1.0, help="this part of everything")
    say.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = say.parse_args(words or [])
    print(f"\nseed {asked.seed}, share {asked.share:g}", flush=True)
    room, before, began = Path(tempfile.mkdtemp(prefix="stir-day-")), os.getloadavg()[0], time.monotonic()
    day = Day(room, asked.share, asked.seed)
    try:
        day.live()
        report(day, asked.seed, (f"{before:.1f}", f"{os.getloadavg()[0]:.1f}"), (time.monotonic() - began) / 60)
    finally:
        shutil.rmtree(room, ignore_errors=True)
