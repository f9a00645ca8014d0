"""`worker`: this machine does jobs for a studio elsewhere, as a node of its Ray cluster, until Ctrl+C."""

from __future__ import annotations

import argparse
import os
import subprocess
import time

from studio import config, presets
from studio.cards import ModelCard, ModelState
from studio.cli.report import complain, say
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Shelf
from studio.farm import ray_cluster
from studio.farm.worker_report import describe_worker
from studio.nouns import Refusal

AGAIN_SECONDS = 5.0
"""How long a machine that has dropped out of the cluster waits before it joins again."""


def worker(flags: argparse.Namespace) -> None:
    """Join the cluster, say what this machine can run, and stay. Raises `Refusal` where it can't join."""
    settings = config.read(home=flags.home, cards=[*flags.cards, *flags.more_cards])
    settings.prepare()
    address = ray_cluster.read_address(flags.address)
    if ray_cluster.has_node(address):
        raise Refusal(f"This machine works for the cluster at {address} already.", "There is nothing to start.")
    node = ray_cluster.start_node(address, settings.home, cores=flags.cores, gpus=flags.gpus)
    try:
        say(f"This machine is in the cluster at {address}. Ctrl+C leaves it.")
        say(f"It can run: {', '.join(_list_models(settings))}.")
        while True:
            node = _stay(node, address, settings, flags)
    finally:
        ray_cluster.end_node(node)


def _stay(
    node: subprocess.Popen[bytes], address: ray_cluster.Address, settings: Settings, flags: argparse.Namespace
) -> subprocess.Popen[bytes]:
    """Wait until the node ends, and begin another one once that can be."""
    node.wait()
    complain(f"This machine has dropped out of the cluster at {address}; it joins again as soon as it can.")
    while True:
        time.sleep(AGAIN_SECONDS)
        try:
            return ray_cluster.start_node(address, settings.home, cores=flags.cores, gpus=flags.gpus)
        except Refusal as refusal:
            complain(str(refusal))


def _list_models(settings: Settings) -> list[str]:
    """The titles of the models that this machine has the files of, and memory for."""
    cards = (*presets.cards(), *presets.own_cards(settings.card_folders)[0])
    local = [card for card in cards if not card.hosted]
    engines = {card.engine: registry.make(card, settings) for card in local}
    try:
        report = describe_worker(local, lambda card: engines[card.engine], is_gpu=False, cores=os.cpu_count() or 1)
        return [card.title for card in local if _can_run(card, report.find_state(card.id))]
    finally:
        for engine in engines.values():
            if isinstance(engine, Shelf):
                engine.close()


def _can_run(card: ModelCard, state: ModelState | None) -> bool:
    return card.is_built_in or (state is not None and state.disk == "here" and state.fits != "no")
