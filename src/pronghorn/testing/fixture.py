"""The decorator of asynchronous fixtures: pytest-asyncio's, where that is installed."""

try:
    from pytest_asyncio import fixture
except ImportError:
    # Whoever asks for such a fixture is then told by pytest what is missing.
    from pytest import fixture  # type: ignore[no-redef]  # noqa: PT013 - the same name, from either

__all__ = ["fixture"]
