"""What one derivation is held against: a saved Evaluation, or a Keras model with data; read before any code runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradient_diff.cli.models import ENDING, load_model
from gradient_diff.cli.telling import blame
from gradient_diff.comparison import compare
from gradient_diff.files.naming import listed
from gradient_diff.files.reading import read_gradients
from gradient_diff.result.diff import GradientDiff
from gradient_diff.wording import printable
from manual_mlp import Array, Evaluation, evaluation_of

Check = Callable[..., GradientDiff]
"""From a derivation, or a step, to what came of it; of a derivation perhaps also the samples that it is held on."""

_DATA = ("x", "y", "sample_weight")


@dataclass(frozen=True)
class Asked:
    """How it is to be checked.

    Attributes:
        step: whether it is a training step (x, y).
        loss: of a model; None as it was compiled.
        learning_rate: of the step; None where it is to be found.
        layout: as `compare` has it.
        annotate: whether its lines are asked for where all is right, too.
    """

    step: bool = False
    loss: str | None = None
    learning_rate: float | None = None
    layout: str | None = None
    annotate: bool = False

    def of_step(self, check: Callable[..., Any]) -> dict[str, Any]:
        """The options of a check of a step."""
        return {"learning_rate": self.learning_rate, **self._traced(check)}

    def of_derivation(self, check: Callable[..., Any]) -> dict[str, Any]:
        """The options of a check of a function."""
        return {"layout": self.layout, **self._traced(check)}

    def _traced(self, check: Callable[..., Any]) -> dict[str, Any]:
        """Where it can trace: of what matches, too, only if somebody asks."""
        return {"trace": True} if self.annotate and "trace" in inspect.signature(check).parameters else {}


def check_against(files: Sequence[Path], asked: Asked) -> Check:
    """Read what is given; whatever is wrong with it is a refusal."""
    model = files[0].name.lower().endswith(ENDING)
    if len(files) != 1 + model:
        raise _refused(files)
    return _model(files[0], files[1], asked) if model else _evaluation(files[0], asked)


def _refused(files: Sequence[Path]) -> ValueError:
    given = listed([printable(str(file)) for file in files])
    return ValueError(f"{given}: expected REFERENCE.npz, or MODEL{ENDING} and DATA.npz.")


def _evaluation(path: Path, asked: Asked) -> Check:
    if asked.loss is not None:
        raise ValueError(f"--loss {asked.loss}: {printable(str(path))} knows its loss. Leave it out.")
    evaluation = read_gradients(path)
    if not isinstance(evaluation, Evaluation):
        raise ValueError(  # noqa: TRY004  # the file is of the wrong kind, not an argument
            f"{printable(str(path))} holds arrays alone, and does not say on which weights and data code is called. "
            "Expected a file from `gradient-diff problem` or Evaluation.save."
        )
    if not asked.step:

        def held(function: Callable[..., Any], rows: Sequence[int] | None = None) -> GradientDiff:
            other = evaluation if rows is None else evaluation_of(evaluation.problem.of_samples(rows))
            return compare(function, other, **asked.of_derivation(compare))

        return held
    from gradient_diff.stepping.comparing import compare_step

    return lambda step: compare_step(step, evaluation, **asked.of_step(compare_step))


def _model(path: Path, data: Path, asked: Asked) -> Check:
    """The data and the loss are looked at here: what is wrong with them is no fault of the user's code."""
    arrays = data_of(data, asked.step)
    model = load_model(path, compiled=asked.loss is None)
    from gradient_diff.keras.gradients.beforehand import check_data

    with blame("DATA, --loss"):
        check_data(model, arrays["x"], arrays["y"], arrays.get("sample_weight"), asked.loss)
    return _step(model, arrays, asked) if asked.step else _derivation(model, arrays, asked)


def _step(model: Any, arrays: Mapping[str, Array], asked: Asked) -> Check:
    from gradient_diff.keras.gradients.own_step import check_step

    options = {"loss": asked.loss, **asked.of_step(check_step)}
    return lambda step: check_step(step, model, arrays["x"], arrays["y"], **options)


def _derivation(model: Any, arrays: Mapping[str, Array], asked: Asked) -> Check:
    from gradient_diff.keras.gradients.checking import check_gradients

    options = {"loss": asked.loss, **asked.of_derivation(check_gradients)}
    x, y, weight = arrays["x"], arrays["y"], arrays.get("sample_weight")

    def held(function: Callable[..., Any], rows: Sequence[int] | slice = slice(None)) -> GradientDiff:
        some = None if weight is None else weight[rows]
        return check_gradients(model, x[rows], y[rows], function, sample_weight=some, **options)

    return held


def data_of(path: Path, step: bool = False) -> Mapping[str, Array]:
    """x and y, and the weights of samples where there are any, which a step does not take."""
    with blame("DATA"):
        arrays = read_gradients(path)
        if isinstance(arrays, Evaluation):
            return {"x": arrays.problem.x, "y": arrays.problem.y}
        if not {"x", "y"} <= arrays.keys() or arrays.keys() - _DATA:
            raise ValueError(
                f"{printable(str(path))} holds {listed(arrays)}: expected the arrays x and y, and perhaps "
                "sample_weight. np.savez(path, x=x, y=y) writes them."
            )
        if step and "sample_weight" in arrays:
            raise ValueError(f"{printable(str(path))} holds sample_weight: a step (x, y) knows of none. Leave it out.")
        return arrays
