"""Public suffixes: names under which others register theirs, so that no cookie may span them."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=1024)
def is_public_suffix(domain: str) -> bool:
    """Whether ``domain``, in lower case, is a public suffix: com, co.uk, github.io, any single label."""
    # The list's algorithm: where no rule matches, the rule is "*". This answers localhost without the list.
    return "." not in domain or _suffixes().is_public(domain)


@cache
def _suffixes() -> "PublicSuffixList":
    # Importing and reading the list takes 50 ms: only who meets a Domain attribute pays for it, once.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
