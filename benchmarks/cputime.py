"""CPU time of a server from outside, by /proc: it may be several processes, in any language."""

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions in /proc/PID/stat, counted from the field after the command name (proc_pid_stat(5)).
PARENT, USER_TIME, SYSTEM_TIME = 1, 11, 12


def _stat(pid: int) -> list[str]:
    # The command name may hold spaces and brackets; nothing after the last bracket does.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def process_tree(root: int) -> list[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            children.setdefault(int(_stat(pid)[PARENT]), []).append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended since /proc was listed
    tree = [root]
    for pid in tree:
        tree.extend(children.get(pid, []))
    return tree


def cpu_seconds(pids: list[int]) -> tuple[float, float]:
    """User and system seconds that these processes have used together, all threads counted."""
    stats = [_stat(pid) for pid in pids]
    user = sum(int(stat[USER_TIME]) for stat in stats)
    system = sum(int(stat[SYSTEM_TIME]) for stat in stats)
    return user / TICKS_PER_SECOND, system / TICKS_PER_SECOND


def resident(pid: int) -> int:
    """Bytes of memory that a process holds, and shares with nobody."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    lines = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return sum(int(lines[name].split()[0]) * 1024 for name in ("Private_Clean", "Private_Dirty"))
