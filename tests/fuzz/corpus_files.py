"""The corpus: one message per literal of the families, and every input that once found something.

A line is a name, a tab and the bytes as a Python literal: readable, and safe from whatever changes line ends.
"""

import ast
from pathlib import Path

_FOLDER = Path(__file__).parent / "corpus"


def _load(file: str) -> dict[str, bytes]:
    lines = (_FOLDER / file).read_text("ascii").splitlines()
    return {name: ast.literal_eval(value) for name, _, value in (line.partition("\t") for line in lines)}


REQUESTS = _load("requests.txt")
RESPONSES = _load("responses.txt")
