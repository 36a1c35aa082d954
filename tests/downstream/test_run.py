from fnmatch import fnmatchcase

import pytest

from .run import Package, judge, packages


def package(**fails: str) -> Package:
    return Package(
        "some-package", "1.0", ["tests"], fails={name.replace("_", "*"): why for name, why in fails.items()}
    )


@pytest.mark.parametrize(
    ("fails", "outcomes", "findings"),
    [
        ({}, {"a::b": "passed", "c": "skipped"}, []),
        ({}, {}, ["some-package: no test was collected"]),
        ({}, {"a::b": "failed"}, ["some-package: a::b fails"]),
        ({"a_": "not built"}, {"a::b": "failed", "c": "passed"}, []),
        (
            {"a_": "not built"},
            {"a::b": "passed"},
            ["some-package: nothing fails that matches 'a*': take it out of packages.toml"],
        ),
    ],
)
def test_what_is_not_as_it_was_noted(
    fails: dict[str, str], outcomes: dict[str, str], findings: list[str]
) -> None:
    assert judge(package(**fails), outcomes) == findings


def test_the_packages_are_pinned_and_their_failures_have_reasons() -> None:
    found = packages()
    assert {each.name for each in found} == {
        "aiohttp-cors",
        "aiohttp-jinja2",
        "aiohttp-retry",
        "aiohttp-session",
        "aiohttp-sse",
        "aioresponses",
        "pytest-aiohttp",
        "python-engineio",
        "sockjs",
        "vcrpy",
        "webargs",
    }
    for each in found:
        assert each.version[0].isdigit()
        assert each.tests
        assert all(each.fails.values())


@pytest.mark.parametrize("folder", ["some-package-1.0", "some_package-1.0"])
def test_folders_are_found_by_either_spelling(folder: str) -> None:
    assert fnmatchcase(folder, f"{package().folder}-1.0")
