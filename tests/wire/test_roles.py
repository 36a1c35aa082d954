from dataclasses import FrozenInstanceError, fields

import pytest

from pronghorn.wire.roles import CLIENT, SERVER, Role


def test_the_roles_are_opposites() -> None:
    facts = [field.name for field in fields(Role) if field.type in (bool, "bool")]
    assert facts
    for fact in facts:
        assert getattr(CLIENT, fact) is not getattr(SERVER, fact), fact


def test_the_facts() -> None:
    assert Role("client", reads_first=False, eof_ends_body=True, is_lenient=True, masks_frames=True) == CLIENT
    assert (
        Role("server", reads_first=True, eof_ends_body=False, is_lenient=False, masks_frames=False) == SERVER
    )


def test_a_role_is_a_constant() -> None:
    with pytest.raises(FrozenInstanceError):
        CLIENT.is_lenient = False  # type: ignore[misc]  # that it is refused is the point
    assert {CLIENT: 1, SERVER: 2}[SERVER] == 2
