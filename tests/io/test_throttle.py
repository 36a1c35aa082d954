from pronghorn.io.throttle import Throttle


class Protocol:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


def test_above_twice_the_limit_it_pauses_and_below_the_limit_it_resumes() -> None:
    protocol = Protocol()
    throttle = Throttle(protocol, 10)
    throttle.received(20)
    throttle.consumed(5)
    assert protocol.calls == []
    throttle.received(6)
    throttle.received(100)
    assert protocol.calls == ["pause"]
    throttle.consumed(111)
    assert protocol.calls == ["pause"]
    throttle.consumed(1)
    throttle.consumed(9)
    assert protocol.calls == ["pause", "resume"]
    throttle.received(21)
    assert protocol.calls == ["pause", "resume", "pause"]
