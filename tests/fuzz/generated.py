"""Cases for Hypothesis out of the grammar, and how many of them.

The seed is fixed: a run of today finds what a run of tomorrow finds. Other seeds are for `long_run.py`.
"""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st

from .grammar import near_requests, near_response
from .readers import ASKINGS, GET
from .splits import LIMITS, cuts

few = settings(derandomize=True, database=None, deadline=None, max_examples=1000)
many = settings(few, max_examples=15_000)

randoms = st.randoms(use_true_random=False)
requests = st.builds(near_requests, randoms)
responses = st.builds(near_response, randoms)
askings = st.sampled_from((GET, *ASKINGS))
limits = st.sampled_from(LIMITS)


def _split(rng: Random, wire: bytes) -> tuple[bytes, list[bytes]]:
    return wire, cuts(rng, wire)


split_requests = st.builds(_split, randoms, requests)
split_responses = st.builds(_split, randoms, responses)
