"""The client. The names of its documents are found here, too, wherever in this package they are defined."""

from ..names import HOMES, lazy_names

__getattr__ = lazy_names(
    globals(), {home: names for home, names in HOMES.items() if home.startswith("client.")}
)
