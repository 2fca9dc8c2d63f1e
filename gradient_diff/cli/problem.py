"""A problem for a class: network, parameters and data, its answer by the hand-written derivation, and a handout."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.students.small_nets import data as drawn_data
from gradient_diff.cli.description import network
from gradient_diff.comparison import compare
from gradient_diff.files.naming import matched
from gradient_diff.files.reading import read_gradients
from gradient_diff.wording import printable
from manual_mlp import MLP, Array, Evaluation, load_parameters, save_parameters
from manual_mlp.extend import as_loss

BATCH = 7  # where none is given; a prime is seldom a width, too
BIASES = "normal(0.5)"  # zeros would hide every mistake that a bias takes part in


def made(
    text: str,
    loss: str,
    activation: str,
    batch: int | None = None,
    seed: int = 0,
    dtype: str = "float64",
    parameters: Path | None = None,
    data: Path | None = None,
) -> Evaluation:
    """Evaluate a problem.

    Args:
        text: widths, such as `4-3-2`.
        loss: a name.
        activation: of the hidden layers.
        batch: N; None for that of the data, or BATCH.
        seed: of what is drawn: parameters, then x, then y.
        dtype: of all arrays.
        parameters: a file of them, in place of drawn ones.
        data: an .npz with x and y, in place of drawn ones.

    Returns:
        The Evaluation.

    Raises:
        OSError: a file cannot be opened.
        ValueError, TypeError: what is no description, loss or activation, or files that do not fit.

    Example:
        >>> made("4-3-2", "mse", "tanh", 5).gradients["dense_1/kernel"].shape
        (4, 3)
    """
    mlp = network(text, activation, loss)
    rng = np.random.default_rng(seed)
    drawn = mlp.initialize(rng, bias_initializer=BIASES, dtype=dtype)
    own = drawn if parameters is None else _parameters(mlp, parameters, drawn, dtype)
    x, y = drawn_data(rng, batch or BATCH, mlp, loss) if data is None else _data(data, batch)
    if as_loss(loss).function.class_indices and y.dtype.kind == "f" and (y == np.floor(y)).all():
        y = y.astype(np.int64)
    return mlp.backpropagate(own, x, y, loss)


def _parameters(mlp: MLP, path: Path, like: dict[str, Array], dtype: str) -> dict[str, Array]:
    content = read_gradients(path)
    if isinstance(content, Evaluation):
        return {name: array.astype(dtype) for name, array in content.problem.parameters.items()}
    named = matched(content, like)
    return {name: array.astype(dtype) for name, array in named.items() if name not in ("x", "y")}


def _data(path: Path, batch: int | None) -> tuple[Array, Array]:
    arrays = load_parameters(path)
    if not {"x", "y"} <= arrays.keys():
        held = ", ".join(map(printable, arrays)) or "nothing"
        raise ValueError(f"{printable(str(path))} holds {held}: expected arrays x and y.")
    x, y = arrays["x"], arrays["y"]
    if batch is not None and x.shape[:1] != (batch,):
        raise ValueError(f"--batch {batch}, but x in {printable(str(path))} has shape {x.shape}. Leave --batch out.")
    return x, y


def check_places(out: Path, handout: Path | None, force: bool) -> None:
    """Refuse names that are no `.npz`, that are one, or that are taken: a class may hang on what stands there.

    Args:
        out: of the reference.
        handout: of the handout; None for none.
        force: whether a file that is there may be replaced.

    Raises:
        FileExistsError: a file is there.
        ValueError: another ending, or one name for both.

    Example:
        >>> check_places(Path("r.txt"), None, force=False)
        Traceback (most recent call last):
        ...
        ValueError: r.txt: expected a name that ends in .npz. Write r.npz.
    """
    for path in (out, *([handout] if handout else [])):
        shown = printable(str(path))
        if path.suffix not in ("", ".npz"):
            better = printable(str(path.with_suffix(".npz")))
            raise ValueError(f"{shown}: expected a name that ends in .npz. Write {better}.")
        if _ending(path).exists() and not force:
            text = "is there already, and would be replaced. Choose another name, or add --force"
            raise FileExistsError(errno.EEXIST, f"{printable(str(_ending(path)))} {text}.")
    if handout is not None and _ending(handout).resolve() == _ending(out).resolve():
        raise ValueError(f"{handout}: the handout would overwrite the reference. Give it a name of its own.")


def saved(evaluation: Evaluation, out: Path, handout: Path | None) -> list[Path]:
    """Write the reference, and the handout: parameters, x and y, without any answer.

    Args:
        evaluation: of the problem.
        out: of the reference.
        handout: of the handout; None for none.

    Returns:
        The paths written.

    Raises:
        OSError: a place cannot be written.
    """
    if handout is None:
        return [evaluation.save(out)]
    problem, new = evaluation.problem, not _ending(handout).exists()
    given = save_parameters(handout, {**problem.parameters, "x": problem.x, "y": problem.y})
    try:
        return [evaluation.save(out), given]
    except OSError:
        if new:  # a handout without its reference is of no use
            given.unlink()
        raise


def _ending(path: Path) -> Path:
    return path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")


def told(evaluation: Evaluation, written: Sequence[Path]) -> list[str]:
    """What the teacher should know: the problem in a line, what to compute, and what it cannot show.

    Args:
        evaluation: of the problem.
        written: reference, and handout if there is one.

    Returns:
        Lines.

    Example:
        >>> told(made("4-3-2", "mse", "tanh", 5), [Path("reference.npz")])[0]
        '4-3-2 (tanh, linear), mean_squared_error, batch 5, float64: E = 2.61336'
    """
    problem = evaluation.problem
    kinds = ", ".join(str(getattr(layer, "activation", "")) for layer in problem.mlp.layers)
    about = f"{problem.mlp.outline} ({kinds}), {problem.loss.name}, batch {problem.batch}, {problem.dtype.name}"
    names = ", ".join(f"{n} {a.shape}" for n, a in problem.parameters.items())
    lines = [
        f"{about}: E = {evaluation.loss:.6g}",
        problem.loss.formula,
        f"A submission holds, by name: {names}",
        f"Reference: {printable(str(written[0]))}",
    ]
    if len(written) > 1:
        lines.append(f"Handout: {printable(str(written[1]))} (parameters, x and y)")
    return [*lines, *_weaknesses(evaluation)]


def _weaknesses(evaluation: Evaluation) -> list[str]:
    """What this problem cannot show, told before forty people work on it."""
    problem = evaluation.problem
    itself = compare(evaluation.gradients, evaluation)
    empty = [row.name for row in itself.rows if not row.status.ok]
    sizes = Counter([problem.batch, problem.mlp.inputs, *problem.mlp.units])
    equal = [str(size) for size, count in sizes.items() if count > 1]
    ones = [str(size) for size in sizes if size == 1 and str(size) not in equal]
    prove = "proves" if len(empty) == 1 else "prove"
    lines = [f"Warning: {', '.join(empty)} {prove} nothing here ({itself[empty[0]].status.message})."] if empty else []
    if equal or ones:
        text = f"Hint: batch or widths are equal or 1 ({', '.join([*equal, *ones])})"
        lines.append(f"{text}, so some mistakes look alike; pairwise different sizes above 1 tell them apart.")
    if problem.mlp.units[-1] == 2 and problem.loss.name == "mean_squared_error":
        lines.append("Hint: of 2 outputs 1/(2N) and 1/(N·K) are the same; another number of outputs tells them apart.")
    return lines
