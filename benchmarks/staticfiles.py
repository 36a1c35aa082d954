"""The files that servers of files are given: in one place, so that each has the same."""

import random
import tempfile
from pathlib import Path

from traffic import SEED, SEVEN_FIELDS

#: By kind: the size of the file, and how many connections ask for it.
KINDS = {"small": (1024, 64), "large": (1024 * 1024, 8)}
PREFIX = "/static"
NAME = "file.bin"


def content(kind: str) -> bytes:
    """What is in the file."""
    return random.Random(SEED).randbytes(KINDS[kind][0])


def folder(kind: str) -> Path:
    """A new folder with the file in it."""
    made = Path(tempfile.mkdtemp(prefix="static-"))
    made.chmod(0o755)  # nginx reads as another user when it is started by root
    made.joinpath(NAME).write_bytes(content(kind))
    return made


def request() -> bytes:
    """The request for the file."""
    return f"GET {PREFIX}/{NAME} HTTP/1.1\r\n".encode() + SEVEN_FIELDS + b"\r\n"
