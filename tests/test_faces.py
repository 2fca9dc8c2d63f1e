"""The public face of each package: for users in `__init__`, for its neighbours in `extend`."""

import inspect
from importlib import import_module

import pytest

FOR_USERS = ("manual_mlp", "gradient_diff", "gradient_diff.keras", "keras_mlp")
FOR_NEIGHBOURS = ("manual_mlp.extend", "gradient_diff.extend", "keras_mlp.extend")


LAYERS = ("manual_mlp.layers",)


@pytest.mark.parametrize("name", FOR_USERS + LAYERS + FOR_NEIGHBOURS)
def test_the_names_are_sorted_and_there_and_documented(name: str) -> None:
    module = import_module(name)
    assert module.__all__ == sorted(module.__all__, key=_constants_then_classes)
    assert [n for n in module.__all__ if not hasattr(module, n)] == []
    made = [n for n in module.__all__ if inspect.isclass(getattr(module, n)) or inspect.isfunction(getattr(module, n))]
    assert [n for n in made if not getattr(module, n).__doc__] == []


@pytest.mark.parametrize("name", FOR_USERS + LAYERS)
def test_what_users_are_offered_has_an_example(name: str) -> None:
    module = import_module(name)
    made = [n for n in module.__all__ if inspect.isclass(getattr(module, n)) or inspect.isfunction(getattr(module, n))]
    assert [n for n in made if "Example" not in (getattr(module, n).__doc__ or "")] == []


def _constants_then_classes(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_users_are_offered_few_names_and_no_name_of_neighbours() -> None:
    names = [n for module in FOR_USERS for n in import_module(module).__all__]
    assert len(names) <= 75
    assert not set(names) & {n for module in FOR_NEIGHBOURS for n in import_module(module).__all__}
