"""The command `problem`: network, parameters and data for a class, the answer by the derivation, and a handout."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from gradient_diff.cli.description import read_network
from gradient_diff.cli.telling import blame, say, show
from gradient_diff.comparison import compare
from gradient_diff.files.naming import matched
from gradient_diff.files.reading import read_gradients
from gradient_diff.wording import printable
from manual_mlp import MLP, Array, Evaluation, load_parameters, save_parameters
from manual_mlp.extend import as_loss, draw_data

BATCH = 7  # where none is given; a prime is seldom a width, too
BIASES = "normal(0.5)"  # zeros would hide every mistake that a bias takes part in


def problem(
    network: Annotated[str, typer.Argument(help="Widths from the inputs to the outputs, such as 4-3-2.")],
    loss: Annotated[str, typer.Option(help="Of the output.")] = "mean_squared_error",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "sigmoid",
    batch: Annotated[int | None, typer.Option(help="Samples; 7 if not given.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Of all arrays.")] = "float64",
    parameters: Annotated[Path | None, typer.Option(help="A file of parameters, in place of drawn ones.")] = None,
    data: Annotated[Path | None, typer.Option(help="An .npz with x and y, in place of drawn ones.")] = None,
    out: Annotated[Path, typer.Option(help="The reference, for `compare`: keep it.")] = Path("reference.npz"),
    handout: Annotated[Path | None, typer.Option(help="An .npz without the answer, for the class.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Make a problem for a class: a reference with the answer, and a handout without it.

    Example: gradient-diff problem 4-5-3 --out reference.npz --handout problem.npz
    """
    say(f"Computing the right answer of {network} …")
    with blame("--out, --handout"):
        check_places(out, handout, force)
    with blame("NETWORK", (MemoryError,)), blame(None):
        evaluation = make_problem(network, loss, activation, batch, seed, dtype, parameters, data)
        lines = describe_problem(
            evaluation, [out.with_suffix(".npz"), *([handout.with_suffix(".npz")] if handout else [])]
        )
    with blame("--out, --handout"):
        save_problem(evaluation, out, handout)
    for line in lines:
        show(line)


def make_problem(
    text: str,
    loss: str,
    activation: str,
    batch: int | None = None,
    seed: int = 0,
    dtype: str = "float64",
    parameters: Path | None = None,
    data: Path | None = None,
) -> Evaluation:
    """Evaluate a problem."""
    mlp = read_network(text, activation, loss)
    rng = np.random.default_rng(seed)
    drawn = mlp.initialize(rng, bias_initializer=BIASES, dtype=dtype)
    own = drawn if parameters is None else _parameters(mlp, parameters, drawn, dtype)
    x, y = draw_data(rng, batch or BATCH, mlp, loss) if data is None else _data(data, batch)
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
    """Refuse names that are no `.npz`, that are one, or that are taken: a class may hang on what stands there."""
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


def save_problem(evaluation: Evaluation, out: Path, handout: Path | None) -> list[Path]:
    """Write the reference, and the handout: parameters, x and y, without any answer."""
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


def describe_problem(evaluation: Evaluation, written: Sequence[Path]) -> list[str]:
    """What the teacher should know: the problem in a line, what to compute, and what it cannot show."""
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
