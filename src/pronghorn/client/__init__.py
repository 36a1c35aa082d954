"""The client. The names of its documents are found here, too, wherever in this package they are defined."""

from ..names import HOMES, lazy_names

_HOMES = {home: names for home, names in HOMES.items() if home.startswith("client.")}

__all__ = [name for names in _HOMES.values() for name in names]

__getattr__ = lazy_names(globals(), _HOMES)
