"""What importing a package costs a fresh interpreter: alone, and with its client and server named.

The second figure is there because a package may load lazily: then the first use pays for the import.
"""

import sys
import time
from importlib import import_module
from resource import RUSAGE_SELF, getrusage


def main() -> None:
    package = sys.argv[1]
    wall, cpu = time.perf_counter(), getrusage(RUSAGE_SELF)
    module = import_module(package)
    imported_wall, imported_cpu = time.perf_counter(), getrusage(RUSAGE_SELF)
    _ = module.ClientSession, import_module(f"{package}.web").Application
    named_wall, named_cpu = time.perf_counter(), getrusage(RUSAGE_SELF)

    import json  # noqa: PLC0415 - what is imported before the packages would be missing from their figures

    print(
        json.dumps(
            {
                "import": {"wall": imported_wall - wall, "user": imported_cpu.ru_utime - cpu.ru_utime},
                "named": {"wall": named_wall - wall, "user": named_cpu.ru_utime - cpu.ru_utime},
            }
        )
    )


if __name__ == "__main__":
    main()
