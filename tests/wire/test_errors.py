import pickle

from pronghorn.wire.errors import ProtocolError


def test_a_protocol_error_says_what_is_wrong_and_how_to_answer_it() -> None:
    error = ProtocolError("Host: missing")
    assert (error.message, str(error), error.status_hint) == ("Host: missing", "Host: missing", 400)
    assert ProtocolError("head: too large", 431).status_hint == 431


def test_it_survives_pickling() -> None:
    """Errors cross processes: a test runner's, a worker's."""
    error = pickle.loads(pickle.dumps(ProtocolError("head: too large", 431)))
    assert (error.message, error.status_hint) == ("head: too large", 431)
