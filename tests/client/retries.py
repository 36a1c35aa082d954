"""A session without connections, for `Retry`: it answers by a script."""

from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn.body.payload import BytesPayload
from pronghorn.client.errors import ServerDisconnectedError
from pronghorn.client.outgoing import ClientRequest, make_request
from pronghorn.client.response import ClientResponse
from pronghorn.client.retry import Retry

URL_ = URL("http://user:secret@host/path?token=secret#part")
#: Sun, 06 Nov 1994 08:49:37 GMT
MOMENT = 784111777.0
GONE = ServerDisconnectedError()

Step = int | ClientResponse | BaseException


class Handler:
    """Answers by a script, and counts what it was asked."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.count = 0

    async def __call__(self, request: ClientRequest) -> ClientResponse:
        self.count += 1
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return respond(step) if isinstance(step, int) else step


class Sleeps(list[float]):
    """Sleeps by no time at all."""

    async def __call__(self, seconds: float) -> None:
        self.append(round(seconds, 3))


class Response(ClientResponse):
    is_discarded = False

    async def _discard(self) -> None:
        self.is_discarded = True


class Once(BytesPayload):
    """Says ``times`` that it can be sent again."""

    def __init__(self, times: int) -> None:
        super().__init__(b"abc")
        self.times = times

    def rewind(self) -> bool:
        self.times -= 1
        return self.times >= 0


def respond(status: int, **fields: str) -> Response:
    response = Response("GET", URL_)
    response.status = status
    response.reason = "Reason"
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    response._headers = CIMultiDictProxy(CIMultiDict(names))
    return response


def ask(method: str = "GET", data: Any = None) -> ClientRequest:
    return make_request(method, URL_, (), None, data)


def make(**options: Any) -> tuple[Retry, Sleeps]:
    sleeps = Sleeps()
    defaults = {"jitter": None, "sleep": sleeps, "clock": lambda: MOMENT}
    return Retry(**(defaults | options)), sleeps
