"""TensorFlow's start, without its chatter, on the one backend and with the one arithmetic that a comparison can use."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

STDERR = 2


def _logged(letters: bytes, file: bytes, text: bytes) -> re.Pattern[bytes]:
    """A line that absl marks, or TensorFlow 2.18 itself: with a date, and the file with its folders."""
    mark = rb"(?:[%b]\d{4} [\d:.]+ +\d+ |\d{4}-\d\d-\d\d [\d:.]+: [%b] [\w/]*/)" % (letters, letters)
    return re.compile(mark + file + rb":\d+\] " + text)


CHATTER: tuple[re.Pattern[bytes], ...] = (
    # absl, once per library that links it, because TensorFlow never calls InitializeLog
    re.compile(rb"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR$"),
    # whatever is marked as information: oneDNN is on, no CUDA drivers, CPU features, XLA's devices
    _logged(b"I", rb"[\w.]+", b""),
    # the second line of the information about CPU features, which carries no mark of its own
    re.compile(rb"To enable the following instructions: .*, in other operations, rebuild TensorFlow with "),
    # a machine without a GPU, or without its driver: what one has on a laptop; other CUDA errors are passed on
    _logged(
        b"E",
        rb"cuda_\w+\.cc",
        rb"failed call to cuInit: .*(?:UNKNOWN ERROR \(303\)|CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected)",
    ),
    # cuFFT, cuDNN and cuBLAS are registered twice by the libraries in TensorFlow's own wheel; nothing is wrong
    _logged(b"EW", rb"cuda_\w+\.cc", rb"Unable to register cu\w+ factory: "),
    # XLA's compiler for small products says for each float64 one that it leaves it to another
    _logged(b"W", rb"util\.cc", rb"Not handling type DT_\w+$"),
    # the same as for cuFFT, for XLA's placement of computations
    _logged(b"EW", rb"computation_placer\.cc", rb"computation placer already registered"),
)
"""Lines that say nothing to a user whose TensorFlow works; `re.match`ed at the start of a line."""

_WRONG_BACKEND = (
    "The tape is TensorFlow's, so Keras must run on the TensorFlow backend, but {found}. "
    "Set the environment variable KERAS_BACKEND=tensorflow before Python starts."
)
_NOT_INSTALLED = (
    "TensorFlow with Keras is not installed, and the twin of a network and its tape need it. "
    "Type: pip install 'gradient-diff[tensorflow]'"
)


@cache
def import_tensorflow() -> None:
    """Import TensorFlow and Keras quietly, or raise an ImportError with the cure; a second call does nothing.

    TF32 is switched off, since it rounds float32 products to 10 bits: a correct derivation would look wrong.
    With the environment variable GRADIENT_DIFF_TF32=1 it is switched on.

    No device is started yet: until the first operation a user may still choose threads and memory by `tf.config`.
    """
    _insist_on_backend()  # before: a backend that is not installed would only give a ModuleNotFoundError
    try:
        with quiet_stderr():
            import keras  # noqa: F401  (it says something, too, on some machines)
            import tensorflow as tf

            tf.config.list_physical_devices()  # on a machine without a GPU it complains once, here or at the first use
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise ImportError(_NOT_INSTALLED, name=error.name) from None
    tf.config.experimental.enable_tensor_float_32_execution(os.environ.get("GRADIENT_DIFF_TF32") == "1")
    _insist_on_backend()  # after: Keras itself has the last word


@cache
def start_devices() -> None:
    """Start TensorFlow's devices, GPUs among them, quietly: called where an operation of ours may be the first one."""
    import tensorflow as tf

    with quiet_stderr():
        tf.zeros(1)  # the first operation starts them


def tf32_enabled() -> bool:
    """Whether float32 products may be rounded to TensorFloat-32, on GPUs that have it.

    Returns:
        True only where the environment variable GRADIENT_DIFF_TF32=1 was set at the start, or a user switched it on.

    Example:
        >>> tf32_enabled()
        False
    """
    import tensorflow as tf

    return bool(tf.config.experimental.tensor_float_32_execution_enabled())


def _insist_on_backend() -> None:
    backend, found = _configured_backend()
    if backend != "tensorflow":
        raise ImportError(_WRONG_BACKEND.format(found=found), name="keras")


def _configured_backend() -> tuple[str, str]:
    """The backend and where it is set, looked up in Keras's own order and without importing Keras."""
    if keras := sys.modules.get("keras"):
        backend = str(keras.config.backend())
        return backend, f"keras is already imported and runs on {backend}"
    if backend := os.environ.get("KERAS_BACKEND", ""):
        return backend, f"the environment says KERAS_BACKEND={backend}"
    home = Path(os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser())
    with suppress(OSError, ValueError, KeyError):  # no file, or none that Keras can read either
        backend = str(json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"])
        return backend, f'keras.json in {home} says "backend": "{backend}"'
    return "tensorflow", "nothing says otherwise"


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold file descriptor 2; at the end, also after an exception, pass on every line that is not chatter.

    Neither TF_CPP_MIN_LOG_LEVEL nor absl's settings reach what is logged while the libraries load. A file and not a
    pipe takes the lines, because a full pipe would block TensorFlow. Should the process die inside a C++ library,
    faulthandler still says on the real stderr where; `python -c "import tensorflow"` then shows the last words.

    Source: github.com/tensorflow/tensorflow/issues/100442.

    Example:
        >>> with quiet_stderr():
        ...     _ = os.write(2, b"I0000 00:00:1700000000.000000    4711 port.cc:153] oneDNN custom operations are on.")
    """
    _open_if_closed()
    _flush()
    with tempfile.TemporaryFile() as held:
        real = os.dup(STDERR)
        try:
            os.dup2(held.fileno(), STDERR)
            with _last_words(real):
                yield
        finally:
            _flush()
            os.dup2(real, STDERR)
            os.close(real)
            held.seek(0)
            _pass_on(held)


def _open_if_closed() -> None:
    """Point a closed file descriptor 2 at nothing.

    Left closed, the next file to be opened would become number 2, and TensorFlow would log into it.
    """
    try:
        os.fstat(STDERR)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        if nothing != STDERR:
            os.dup2(nothing, STDERR)
            os.close(nothing)


def _flush() -> None:
    """What Python has buffered belongs before, or into, the held part; stderr may be None or closed."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


@contextmanager
def _last_words(real: int) -> Iterator[None]:
    """A crash tells on the real stderr where it happened, unless someone else already listens for it."""
    if faulthandler.is_enabled():
        yield
        return
    faulthandler.enable(real)
    try:
        yield
    finally:
        faulthandler.disable()


def _pass_on(lines: Iterable[bytes]) -> None:
    """Write what is not chatter to file descriptor 2, verbatim and in order; a reader who has gone is no error."""
    with suppress(OSError), open(STDERR, "wb", closefd=False) as stderr:
        stderr.writelines(line for line in lines if not any(pattern.match(line) for pattern in CHATTER))
