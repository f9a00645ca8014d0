"""How libraries of models are imported: without a word on the terminal, and xFormers beside the CUDA runtime it links."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from studio.config import ROOT
from studio.engines.diffusion import library_setup

IMPORTS = """
import sys
from pathlib import Path
from studio.engines.diffusion import library_setup
library_setup.keep_messages(Path(sys.argv[1]))
library_setup.import_libraries("WanImageToVideoPipeline")
import diffusers, transformers
diffusers.AutoencoderKLWan, transformers.CLIPImageProcessor, transformers.UMT5EncoderModel
if sys.platform == "linux":
    from torchao.quantization import Float8DynamicActivationFloat8WeightConfig
"""


def test_libraries_say_nothing_on_the_terminal_and_what_they_say_is_kept(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    said = (tmp_path / "libraries.log").read_text("utf-8")
    assert "requires torchvision" in said or "torchao" in said
    assert str(ROOT) not in said


def test_a_message_is_kept_without_files_and_words(tmp_path: Path) -> None:
    library_setup.keep_messages(tmp_path)
    logger = logging.getLogger("diffusers.pipelines.any")
    logger.warning("The following part of your input was truncated: ['a secret walk']")
    logger.warning("WARNING[X]: weights in /home/somebody/secret are odd")
    logger.error("Can't read 'secret.png'")
    said = (tmp_path / "libraries.log").read_text("utf-8")
    assert "secret" not in said and said.count("\n") == 3
    assert "ERROR diffusers.pipelines.any:" in said and "The following part of your input was truncated" in said
    assert "weights in" in said


def test_a_folder_that_cant_be_written_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    library_setup.keep_messages(tmp_path / "not there")
    logging.getLogger("transformers").error("anything")
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(
    find_spec("nvidia.cuda_runtime") is None if find_spec("nvidia") else True,
    reason="no CUDA runtime package: Linux on x86-64 only",
)
def test_the_runtime_that_xformers_links_is_there() -> None:
    assert library_setup.load_cuda_runtime()


def test_xformers_kernels_load() -> None:
    """Proved where torch has CUDA, with a GPU or without: on a processor's build there is no torch_cuda to link with."""
    library_setup.import_libraries()
    import torch

    if torch.version.cuda is None:
        pytest.skip("this torch is built without CUDA, which xFormers' kernels are linked with")
    from xformers import _cpp_lib

    assert _cpp_lib._cpp_library_load_exception is None
