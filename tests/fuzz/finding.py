"""What a check raises: a plain error, so that the long run can do without pytest."""


class Finding(AssertionError):
    """The wire does not do what it promises."""
