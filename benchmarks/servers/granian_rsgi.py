"""granian with one worker, uvloop and its own interface, RSGI: no framework, no routes."""

import argparse
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops

from traffic import BODY

TEXT = BODY.decode()
FIELDS = [("content-type", "text/plain; charset=utf-8")]


async def application(scope: Any, protocol: Any) -> None:
    protocol.response_str(200, FIELDS, TEXT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    Granian(
        "granian_rsgi:application",
        address="127.0.0.1",
        port=parser.parse_args().port,
        interface=Interfaces.RSGI,
        workers=1,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    ).serve()
