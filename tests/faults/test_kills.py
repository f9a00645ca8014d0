"""kill -9 at random moments with jobs, uploads, ratings, trash, finishes and exports in flight: nothing lost, doubled or torn.

The long run, of the program itself with its page, is bench/day.py.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.fakes.busy_studio import BusyStudio
from tests.fakes.person import Ledger, Person
from tests.fakes.waiting import until
from tests.fakes.whole_home import HomeReader

KILLS, HANDS, MOST_DONE = 3, 3, 30


def test_kill_9_at_random_moments(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    seed = random.randrange(10**6)
    record_property("seed", seed)
    chance, ledger, home = random.Random(seed), Ledger(), HomeReader(tmp_path / "home")
    app = BusyStudio(tmp_path / "home", pace=0.001)
    person = Person(app, ledger, seed)
    app.start()
    person.upload_photo()
    for _ in range(2 * HANDS):
        person.submit()
    until(lambda: len(home.list_clips()) == 2 * HANDS)
    person.note_clips(home.list_clips())
    for _ in range(KILLS):
        work_until_killed(app, ledger, chance)
        app.start()
        person.note_clips(home.list_clips())
        assert home.find_faults(ledger) == [], f"seed {seed}"
        person.note_clips(home.list_clips(), settled=True)
        for job in home.list_jobs("interrupted"):
            person.resume(job)
    while busy := home.list_jobs("queued", "running"):
        until(lambda before=busy: home.list_jobs("queued", "running") != before)
    assert home.find_faults(ledger, ended=True) == [], f"seed {seed}"
    assert home.list_clips() and not ledger.refusals, f"seed {seed}: {ledger.refusals}"
    assert app.leave() == 0
    assert home.find_left() == [], f"seed {seed}"


def work_until_killed(app: BusyStudio, ledger: Ledger, chance: random.Random) -> None:
    """Several hands change things, and the process ends in the midst of it."""
    over, done = threading.Event(), list[int]()
    hands = [Person(app, ledger, chance.getrandbits(32), hand, HANDS) for hand in range(HANDS)]

    def work(hand: Person) -> None:
        while not over.is_set():
            hand.do_anything()
            done.append(1)

    threads = [threading.Thread(target=work, args=(hand,), daemon=True) for hand in hands]
    for thread in threads:
        thread.start()
    wanted = chance.randint(5, MOST_DONE)
    until(lambda: len(done) >= wanted)
    time.sleep(chance.uniform(0.0, 0.05))
    app.kill()
    over.set()
    for thread in threads:
        thread.join()
