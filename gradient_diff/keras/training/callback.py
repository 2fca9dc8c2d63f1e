"""Gradients checked while a model trains: every so many steps, at the weights of that step."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.checking import check_gradients
from gradient_diff.result.diff import GradientDiff
from keras_mlp import from_keras

OnMismatch = Literal["warn", "stop", "ignore"]
PREFIX = "gradient_diff/"  # of what is put beside the loss in the logs
_DATA_CLASSES = {"scalars": 1, "text": 2}  # of TensorBoard: a number at each step, a tensor at each step


class GradientDiffCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Checks dE/dW while `fit` trains: at every `every`-th step, before it, as `check_gradients` does.

    The model trains as without it, bit for bit. Its weights, seeds and moving statistics are those of the step; a
    check of Dropout is on the masks that this step would draw. A model that has no weights before its first batch is
    checked from the second step on.

    Args:
        derivation: yours, a function (parameters, x, y) as `check_gradients` takes it, which is called with copies of
            the weights; None to hold the tape against the equations of the house.
        data: (x, y) or (x, y, sample_weight), a probe on which each check is made; or "batch", the very batch that
            `fit` trains on, with its weights of samples.
        every: steps from one check to the next, the first before the first step. Steps are counted over all epochs.
        log_dir: where event files for TensorBoard are written, one value of `scalars()` a curve, and the headline as
            text; None for none.
        report_dir: where a report is written, `step_000300/`, whenever what is wrong is not what it was at the check
            before; None for none.
        on_mismatch: where a gradient is wrong: "warn" (once for each thing that is wrong), "stop" the training, or
            "ignore" it. What is not proved is warned of as well, and does not stop.

    Attributes:
        diff: the `GradientDiff` of the latest check; None before the first.
        first_bad: (step, diff) of the first check that found something wrong or different; None if there is none.
        checks: step → `diff.scalars()`.

    `logs` of each epoch, and so the `History`, hold the scalars of its latest check as `gradient_diff/<name>`.

    Raises:
        NotADirectoryError: a folder that is a file.
        ValueError: `every` below 1, an unknown word, data of another form; at the start of a `fit`: a model that is not
            compiled, none of a derivation for a model without equations, or "batch" with `steps_per_execution` above 1,
            where several steps are one call.
        TypeError: a derivation that is no function.

    Example:
        >>> import numpy as np
        >>> from keras_mlp import to_keras
        >>> from manual_mlp import MLP, Dense
        >>> mlp, x, y = MLP(2, [Dense(3, "tanh"), Dense(1)]), np.ones((8, 2)), np.zeros((8, 1))
        >>> model = to_keras(mlp, mlp.initialize(0))
        >>> model.compile("sgd", "mse")
        >>> probe = GradientDiffCallback(data=(x[:4], y[:4]), every=2)
        >>> _ = model.fit(x, y, batch_size=2, epochs=1, callbacks=[probe], verbose=0)
        >>> probe.diff.ok, list(probe.checks), probe.first_bad
        (True, [0, 2], None)
    """

    def __init__(
        self,
        derivation: Callable[..., object] | None = None,
        *,
        data: tuple[Any, ...] | Literal["batch"],
        every: int = 100,
        log_dir: str | os.PathLike[str] | None = None,
        report_dir: str | os.PathLike[str] | None = None,
        on_mismatch: OnMismatch = "warn",
    ) -> None:
        super().__init__()
        if derivation is not None and not callable(derivation):
            raise TypeError(
                f"derivation is {type(derivation).__name__}: expected a function (parameters, x, y) that returns the "
                "gradients, since the weights change; or None for the equations of the house."
            )
        _check_settings(data, every, on_mismatch)
        for name, place in (("log_dir", log_dir), ("report_dir", report_dir)):
            if place is not None and Path(place).is_file():
                raise NotADirectoryError(f"{name}={os.fspath(place)!r} is a file: expected a folder, or a new name.")
        self._derivation, self._data, self._every, self._on_mismatch = derivation, data, int(every), on_mismatch
        self._log_dir, self._report_dir = log_dir, None if report_dir is None else Path(report_dir)
        self._step, self._due, self._late, self._own = 0, False, False, None
        self._told: tuple[Any, ...] = ()  # what the check before came to
        self._writer: Any = None
        self._fresh: dict[str, float] = {}
        self.diff: GradientDiff | None = None
        self.first_bad: tuple[int, GradientDiff] | None = None
        self.checks: dict[int, dict[str, float]] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Get ready to see the batches, where these are asked about."""
        if not getattr(self.model, "compiled", False):
            raise ValueError("The model is not compiled: there is no E to check. Call model.compile(…) first.")
        if self._derivation is None and self.model.built:
            self._check_described()
        if self._data != "batch":
            return
        if (steps := self.model.steps_per_execution) > 1:
            raise ValueError(
                f"data='batch' with steps_per_execution={steps}: several steps are one call, and the weights between "
                "them are never seen. Compile with steps_per_execution=1, or pass data=(x, y)."
            )
        own = getattr(self.model.train_function, "own", self.model.train_function)  # of a fit that broke off
        self._own, self.model.train_function = own, self._seeing(own)

    def _check_described(self) -> None:
        try:
            from_keras(self.model)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"derivation=None holds the tape against the equations of the house, which has none here: {error} "
                "Pass a derivation of your own."
            ) from None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check on the probe, or at the call that follows on its batch, where it is time."""
        wanted = self._late or self._step % self._every == 0
        self._due, self._late = wanted and self.model.built, wanted and not self.model.built
        if self._due and self._data != "batch":
            self._check(*self._data)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the step."""
        self._step, self._due = self._step + 1, False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put what the latest check of the epoch found beside its loss."""
        if logs is not None:
            logs.update({f"{PREFIX}{name}": value for name, value in self._fresh.items()})
        self._fresh = {}

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leave the model as it was."""
        self._let_go()
        if self._writer is not None:
            self._writer.flush()

    def _let_go(self) -> None:
        self._due = False
        if self._own is not None:
            self.model.train_function, self._own = self._own, None

    def _seeing(self, own: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The function that `fit` calls for each step, which takes its batch by itself where a check is due."""

        def train_function(iterator: Iterator[Any]) -> Any:
            if not self._due:  # nor when a fit without this callback comes by here, after one that broke off
                return own(iterator)
            batch = next(iterator)
            try:
                self._check(*keras.tree.map_structure(_as_array, keras.utils.unpack_x_y_sample_weight(batch)))
            except BaseException:  # of which no callback is told
                self._let_go()
                raise
            return own(_alone(batch, iterator))

        train_function.own = own  # type: ignore[attr-defined]
        return train_function

    def _check(self, x: Any, y: Any, sample_weight: Any = None) -> None:
        def checked(trace: bool | None) -> GradientDiff:
            return check_gradients(self.model, x, y, self._derivation, sample_weight=sample_weight, trace=trace)

        diff = checked(trace=False)
        story = (diff.verdict, diff.culprit, tuple(cause.id for cause in diff.causes), diff.unproved)
        if not diff.ok and story != self._told:
            diff = checked(trace=None)  # its line is looked for once
            self._tell(diff)
        self._told, self.diff, self._fresh = story, diff, diff.scalars()
        self.checks[self._step] = self._fresh
        if diff.verdict.bad and self.first_bad is None:
            self.first_bad = self._step, diff
        self._write(diff)
        if diff.verdict.bad and self._on_mismatch == "stop":
            self.model.stop_training = True

    def _tell(self, diff: GradientDiff) -> None:
        if self._report_dir is not None and diff.verdict.bad:
            diff.save(self._report_dir / f"step_{self._step:06d}")
        if self._on_mismatch != "ignore":
            warnings.warn(f"Before step {self._step}: {diff.headline()}", stacklevel=2)

    def _write(self, diff: GradientDiff) -> None:
        if self._log_dir is None:
            return
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(os.fspath(self._log_dir))
        with self._writer.as_default(step=self._step):
            for name, value in self._fresh.items():
                tf.summary.write(f"{PREFIX}{name}", np.float32(value), metadata=_kind("scalars"))
            tf.summary.write(f"{PREFIX}headline", diff.headline(), metadata=_kind("text"))


def _alone(batch: Any, iterator: Any) -> Iterator[Any]:
    """The batch as an iterator of the same kind: another would have the step traced, and compiled, anew."""
    kind = getattr(iterator, "element_spec", None)
    return iter(
        [batch] if kind is None else tf.data.Dataset.from_generator(lambda: iter([batch]), output_signature=kind)
    )


def _as_array(tensor: Any) -> Any:
    return None if tensor is None else np.asarray(tensor)


def _kind(plugin: str) -> Any:
    """What TensorBoard shows a value by; `tf.summary.scalar` itself wants that installed."""
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = plugin
    metadata.data_class = _DATA_CLASSES[plugin]
    return metadata


def _check_settings(data: Any, every: Any, on_mismatch: Any) -> None:
    if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
        raise ValueError(f"every={every!r}: expected a whole number of steps, 1 or more.")
    if on_mismatch not in get_args(OnMismatch):
        words = ", ".join(map(repr, get_args(OnMismatch)))
        raise ValueError(f"on_mismatch={on_mismatch!r}: expected one of {words}.")
    if isinstance(data, str):
        if data != "batch":
            raise ValueError(f"data={data!r}: expected (x, y), (x, y, sample_weight), or 'batch'.")
    elif not isinstance(data, tuple | list) or len(data) not in (2, 3):
        given = f"{len(data)} things" if isinstance(data, tuple | list) else type(data).__name__
        raise ValueError(f"data is {given}: expected (x, y), (x, y, sample_weight), or 'batch'.")
