"""What the event loop's own thread may open."""

import os
from pathlib import Path

import pytest

from pronghorn.server import nearness as module
from pronghorn.server.nearness import AtHand, nearness

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 1 0:51 / /net rw - nfs4 server:/export rw
24 1 0:52 / /run rw,nosuid - tmpfs tmpfs rw
25 1 0:53 / /mnt/a\\040- rw master:5 - fuse.sshfs me@there: rw
broken
"""


@pytest.fixture
def _mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS)
    monkeypatch.setattr(module, "_MOUNTS", path)
    monkeypatch.setattr(module, "nearness", nearness.__wrapped__)


@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ((8, 1), (False, True)),
        ((0, 51), (False, False)),
        ((0, 52), (True, True)),
        ((0, 53), (False, False)),
        ((9, 9), (False, False)),
    ],
    ids=["disk", "network", "memory", "FUSE", "unknown"],
)
def test_file_systems(device: tuple[int, int], expected: tuple[bool, bool]) -> None:
    assert module.nearness(os.makedev(*device)) == expected


def test_systems_that_can_not_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOUNTS", tmp_path / "none")
    assert nearness.__wrapped__(os.makedev(8, 1)) == (False, False)


def test_at_hand_for_a_while() -> None:
    known = AtHand()
    assert not known.has("a", 100.0)
    known.note("a", 100.0)
    assert known.has("a", 104.9)
    assert not known.has("a", 105.0)
    assert not known.has("b", 100.0)
    known.forget("a")
    known.forget("a")
    assert not known.has("a", 100.0)


def test_only_so_many_are_kept() -> None:
    known = AtHand()
    for number in range(10_000):
        known.note(str(number), 1.0)
        assert known.has(str(number), 2.0)
    assert sum(known.has(str(number), 2.0) for number in range(10_000)) <= 4096
