"""Accept-Encoding (RFC 9110 section 12.5.3): which content coding a client would rather have.

Accept-Encoding = #( codings [ weight ] )
codings         = content-coding / "identity" / "*"
weight          = OWS ";" OWS "q=" ( "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ] )
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from .fields import TCHAR

#: The content as it is.
IDENTITY: Final = "identity"

_MEMBER: Final = re.compile(
    rf"[ \t]*([{re.escape(TCHAR.decode())}]+)"
    r"(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)
# Browsers name four codings, curl six. Those past the bound are as if they had not been said.
_MEMBERS: Final = 64
#: Values up to this length are remembered: those of clients are few, and shorter.
_COMMON_SIZE: Final = 256
# Section 8.4.1.3.
_ALIASES: Final = {"x-gzip": "gzip"}


def parse_weights(field: str) -> Mapping[str, float]:
    """The codings that an Accept-Encoding field names, in lower case, and their weights, from 0 to 1.

    What is malformed is left out; of equal names the first counts. One pass, and no more than 64 of them.
    """
    weights: dict[str, float] = {}
    for member in field.split(",", _MEMBERS)[:_MEMBERS]:
        found = _MEMBER.fullmatch(member)
        if found is not None:
            name = found[1].lower()
            weights.setdefault(_ALIASES.get(name, name), 1.0 if found[2] is None else float(found[2]))
    return weights


def choose_coding(field: str | None, offered: tuple[str, ...]) -> str:
    """The best of the ``offered`` codings for a client that sent ``field``, None if it sent none.

    The heaviest counts, of equal ones that which is ``offered`` first. ``identity`` if none is
    acceptable, or the client would rather have that, or did not say; also if it refuses even that:
    an answer that can't be read says more than none (section 12.1).
    """
    if not field:
        return IDENTITY
    return (_choose_common if len(field) <= _COMMON_SIZE else _choose)(field, offered)


def _choose(field: str, offered: tuple[str, ...]) -> str:
    weights = parse_weights(field)
    others = weights.get("*", 0.0)
    best, weight = IDENTITY, 0.0
    for coding in offered:
        given = weights.get(coding, others)
        if given > weight:
            best, weight = coding, given
    return best if weight >= weights.get(IDENTITY, others) else IDENTITY


_choose_common: Final = lru_cache(maxsize=256)(_choose)
