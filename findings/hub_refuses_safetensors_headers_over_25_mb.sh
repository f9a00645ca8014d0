#!/usr/bin/env bash
# huggingface_hub's reader of local safetensors headers refuses whole files that safetensors opens, and takes cut files for whole.
#
# Guess: parse_local_safetensors_file_metadata reads what safe_open reads: a file that one takes, the other takes too, and a file
# that can't be read raises SafetensorsParsingError, as its docstring says.
# Seen with huggingface_hub 2.4.0 and safetensors 0.8.0, Python 3.11, Linux: a header of 26 MB (of up to 100 MB by the format's own
# limit) is refused by the one and opened by the other; a header that is a JSON list raises AttributeError, one whose tensor is a
# number TypeError; a file that lacks half of its bytes is described as if it were whole, and safe_open refuses it. safe_open in
# turn says the same of a file that is cut and of one that is too long ("file not fully covered").
# What follows: judge a file by safe_open, ask huggingface_hub for facts only after that, and have an answer for its refusal.
#
# Output seen:
#   huggingface_hub 2.4.0, safetensors 0.8.0
#   header of 26 MB: safe_open takes it; huggingface_hub SafetensorsParsingError
#   header is a list: safe_open SafetensorError; huggingface_hub AttributeError
#   tensor is a number: safe_open SafetensorError; huggingface_hub TypeError
#   cut in half: safe_open SafetensorError; huggingface_hub takes it
#   too long: safe_open SafetensorError; huggingface_hub takes it
#   cut and too long are told apart by safe_open's message: no
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0 safetensors==0.8.0 numpy==2.4.6
cat > "$folder/try.py" <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import parse_local_safetensors_file_metadata
from safetensors import safe_open

FOLDER = Path(sys.argv[1])
TENSOR = {"w": {"dtype": "F32", "shape": [256], "data_offsets": [0, 1024]}}


def made(header, data=bytes(1024)):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def opened(file):
    with safe_open(file, framework="np") as handle:
        return list(handle.keys())


def tried(read, file):
    try:
        read(file)
    except Exception as error:
        return type(error).__name__, str(error)
    return "takes it", ""


whole = made(TENSOR)
CASES = {
    "header of 26 MB": (made({"__metadata__": {"note": "x" * 26_000_000}, **TENSOR}), "takes it", "SafetensorsParsingError"),
    "header is a list": (made([1, 2]), "SafetensorError", "AttributeError"),
    "tensor is a number": (made({"w": 5}), "SafetensorError", "TypeError"),
    "cut in half": (whole[:-512], "SafetensorError", "takes it"),
    "too long": (whole + bytes(512), "SafetensorError", "takes it"),
}
print(f"huggingface_hub {version('huggingface_hub')}, safetensors {version('safetensors')}")
words = {}
for name, (content, *expected) in CASES.items():
    file = FOLDER / "x.safetensors"
    file.write_bytes(content)
    (one, words[name]), (two, _) = tried(opened, file), tried(parse_local_safetensors_file_metadata, file)
    print(f"{name}: safe_open {one}; huggingface_hub {two}")
    assert [one, two] == expected, "this has changed"
apart = words["cut in half"] != words["too long"]
print(f"cut and too long are told apart by safe_open's message: {'yes' if apart else 'no'}")
assert not apart, "this has changed"
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
