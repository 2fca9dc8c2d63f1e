"""TensorFlow starts in silence, and nothing but chatter is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff.keras import check_function, check_layer
from keras_mlp import to_keras, to_keras_optimizer
from keras_mlp.startup import CHATTER, quiet_stderr, start_devices
from manual_mlp import MLP, SGD, Dense

ROOT = Path(__file__).parents[2]
STAMP = b"0000 00:00:1795228039.934840    7557 "
OLD = b"2026-11-29 14:00:52.024394: "  # how TensorFlow 2.18 marks a line

CHATTER_LINES = [
    b"W0000 00:00:1795229453.621775   14640 util.cc:163] Not handling type DT_DOUBLE",
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    b"I" + STAMP + b"port.cc:153] oneDNN custom operations are on. You may see slightly different numerical results",
    b"I" + STAMP + b"cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.",
    b"I" + STAMP + b"cpu_feature_guard.cc:227] This TensorFlow binary is optimized to use available CPU instructions",
    b"To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with the appropriate",
    b"E" + STAMP + b"cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed: UNKNOWN ERROR (303)",
    b"E" + STAMP + b"cuda_fft.cc:467] Unable to register cuFFT factory: one has already been registered",
    b"E" + STAMP + b"cuda_dnn.cc:8579] Unable to register cuDNN factory: one has already been registered",
    b"W" + STAMP + b"computation_placer.cc:177] computation placer already registered. Please check linkage",
    b"I" + STAMP + b"service.cc:161]   StreamExecutor [0]: Host, Default Version (Driver: 0.0.0)",
    OLD
    + b"I tensorflow/core/util/port.cc:153] oneDNN custom operations are on. You may see slightly different numerical",
    OLD
    + b"E external/local_xla/xla/stream_executor/cuda/cuda_fft.cc:477] Unable to register cuFFT factory: one is there",
    OLD
    + b"E external/local_xla/xla/stream_executor/cuda/cuda_driver.cc:152] failed call to cuInit: UNKNOWN ERROR (303)",
]

GENUINE_LINES = [
    b"real problem",
    b"",
    b"E" + STAMP + b"cuda_platform.cc:52] failed call to cuInit: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    b"W" + STAMP + b"gpu_device.cc:2341] Cannot dlopen some GPU libraries.",
    b"F" + STAMP + b"cpu_feature_guard.cc:47] The TensorFlow library was compiled to use AVX instructions",
    OLD + b"W external/local_xla/xla/stream_executor/cuda/cuda_driver.cc:152] failed call to cuInit: out of memory",
    OLD + b"F tensorflow/core/platform/cpu_feature_guard.cc:47] The TensorFlow library was compiled to use AVX",
    b"ImportError: I0000 is not the beginning of this line",
    "ŷ is not UTF-8 here: ".encode() + b"\xff\xfe",
]


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, without the settings of the one that runs the tests."""
    inherited = {k: v for k, v in os.environ.items() if k not in {"KERAS_BACKEND", "KERAS_HOME", "GRADIENT_DIFF_TF32"}}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("line", CHATTER_LINES)
def test_chatter_is_dropped(line: bytes, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with quiet_stderr():
        os.write(2, line + b"\n")
    assert capfdbinary.readouterr().err == b""


def test_each_pattern_is_needed() -> None:
    alone = {next(i for i, pattern in enumerate(CHATTER) if pattern.match(line)) for line in CHATTER_LINES}
    assert alone == set(range(len(CHATTER)))


def test_all_else_is_passed_on_verbatim_and_in_order(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    genuine = b"\n".join(GENUINE_LINES)  # the last line has no newline, and stays so
    with quiet_stderr():
        for line in GENUINE_LINES[:-1]:
            os.write(2, line + b"\n" + CHATTER_LINES[1] + b"\n")
        os.write(2, GENUINE_LINES[-1])
    assert capfdbinary.readouterr().err == genuine


def test_lines_are_passed_on_when_an_exception_is_raised(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def broken_import() -> None:
        os.write(2, b"real problem\n")
        raise ModuleNotFoundError("no such thing")

    with pytest.raises(ModuleNotFoundError, match="no such thing"), quiet_stderr():
        broken_import()
    os.write(2, b"after\n")
    assert capfdbinary.readouterr().err == b"real problem\nafter\n"


def test_what_python_has_buffered_keeps_its_place(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(2, "w", closefd=False) as buffered:
        monkeypatch.setattr(sys, "stderr", buffered)
        buffered.write("before ")
        with quiet_stderr():
            buffered.write("within ")
            os.write(2, b"directly ")
        buffered.write("after")
    monkeypatch.undo()
    assert capfdbinary.readouterr().err == b"before directly within after"


def test_more_than_a_pipe_holds_does_not_block(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with quiet_stderr():
        for _ in range(200):
            os.write(2, b"x" * 9_999 + b"\n")
    assert len(capfdbinary.readouterr().err) == 2_000_000


def test_nesting_passes_everything_on_once(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with quiet_stderr(), quiet_stderr():
        os.write(2, b"real problem\n")
    assert capfdbinary.readouterr().err == b"real problem\n"


def test_tensorflow_starts_in_silence_and_without_tf32() -> None:
    done = python(
        "from keras_mlp.startup import import_tensorflow, tf32_enabled; "
        "import_tensorflow(); import_tensorflow(); print(tf32_enabled())"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


@pytest.mark.slow  # a fresh TensorFlow
def test_tensorflow_alone_is_not_silent() -> None:
    """If this fails, TensorFlow has become quiet, and startup.py can go."""
    assert python("import tensorflow").stderr


FIRST_USE = """
import numpy as np
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Dense
mlp = MLP(2, [Dense(1)])
print(float(backpropagate(to_keras(mlp, mlp.initialize(0)), np.ones((3, 2)), np.ones((3, 1)), "mse").loss) > 0)
"""
CHOICE = """
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
print(len(tf.config.list_logical_devices("CPU")))
"""


@pytest.mark.slow
def test_after_the_import_threads_and_devices_may_still_be_chosen() -> None:
    own = "import keras; keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])"
    done = python(f"import gradient_diff.keras, keras_mlp\n{CHOICE}\n{own}\n{FIRST_USE}")
    assert (done.returncode, done.stdout) == (0, "2\nTrue\n")
    if not tf.config.list_physical_devices("GPU"):  # of which TensorFlow itself tells at a user's own first operation
        assert done.stderr == ""


@pytest.mark.slow
def test_the_devices_start_in_silence_at_the_first_use_and_not_before() -> None:
    done = python(f"import gradient_diff.keras, keras_mlp\n{FIRST_USE}\n{CHOICE}")
    assert done.stdout == "True\n"
    assert done.stderr.startswith("Traceback")  # nothing was said before
    assert last_line(done) == "RuntimeError: Intra op parallelism cannot be modified after initialization."


DOORS: dict[str, Callable[[], object]] = {
    "to_keras": lambda: to_keras(MLP(2, [Dense(1)]), MLP(2, [Dense(1)]).initialize(0)),
    "to_keras_optimizer": lambda: to_keras_optimizer(SGD()),
    "check_function": lambda: check_function(tf.tanh, [0.5]),
    "check_layer": lambda: check_layer(keras.layers.Dense(2), np.ones((3, 2))),
}


@pytest.mark.slow  # a fresh TensorFlow for each
@pytest.mark.parametrize("door", DOORS)
def test_whatever_may_be_the_first_operation_starts_them(door: str) -> None:
    start_devices.cache_clear()
    DOORS[door]()
    assert start_devices.cache_info().currsize == 1


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {missing!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
"""


@pytest.mark.parametrize("module", ["keras_mlp", "gradient_diff.keras"])
def test_without_tensorflow_the_line_to_type_is_told(module: str) -> None:
    done = python(f"{WITHOUT.format(missing=('tensorflow', 'keras'))}\nimport {module}")
    assert last_line(done) == (
        "ImportError: TensorFlow with Keras is not installed, and the twin of a network and its tape need it. "
        "Type: pip install 'gradient-diff[tensorflow]'"
    )
    assert "During handling" not in done.stderr


def test_another_module_that_is_missing_is_named_as_it_is() -> None:
    done = python(f"{WITHOUT.format(missing=('absl',))}\nimport keras_mlp")
    assert last_line(done) == "ModuleNotFoundError: No module named 'absl'"


@pytest.mark.slow  # a fresh TensorFlow
def test_tf32_on_request() -> None:
    done = python("from keras_mlp.startup import tf32_enabled; print(tf32_enabled())", GRADIENT_DIFF_TF32="1")
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_an_import_that_fails_tells_all(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text(
        "import os; os.write(2, b'I0000 00:00:1.0 1 port.cc:1] oneDNN\\nreal problem\\n'); raise ImportError('broken')"
    )
    done = python("import keras_mlp", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("real problem\nTraceback")
    assert done.stderr.endswith("ImportError: broken\n")


def test_a_crash_inside_the_import_says_where(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os; os.abort()")
    done = python("import keras_mlp", PYTHONPATH=str(tmp_path))
    assert done.returncode < 0
    assert "Fatal Python error: Aborted" in done.stderr
    assert "tensorflow.py" in done.stderr


@pytest.mark.slow  # a fresh TensorFlow
def test_closed_stderr() -> None:
    code = "import sys, os, keras_mlp; os.write(2, b'nobody hears this'); print(sys.stderr, os.fstat(1) == os.fstat(2))"
    command = f'"{sys.executable}" -c "{code}" 2>&-'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "None False\n", "")


@pytest.mark.slow  # a fresh TensorFlow
def test_a_reader_who_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    code = "import os, keras_mlp.startup as s\nwith s.quiet_stderr(): os.write(2, b'unheard')\nprint('done')"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, stdout=-1, stderr=write, text=True, timeout=120, check=False)
    os.close(write)
    assert (done.returncode, done.stdout) == (0, "done\n")


ADVICE = "Set the environment variable KERAS_BACKEND=tensorflow before Python starts."
NEED = "ImportError: The tape is TensorFlow's, so Keras must run on the TensorFlow backend, but "


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1]


def test_another_backend_in_the_environment() -> None:
    done = python("import keras_mlp", KERAS_BACKEND="jax")
    assert last_line(done) == f"{NEED}the environment says KERAS_BACKEND=jax. {ADVICE}"


def test_another_backend_in_keras_json(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    done = python("import keras_mlp", KERAS_HOME=str(tmp_path))
    assert last_line(done) == f'{NEED}keras.json in {tmp_path} says "backend": "torch". {ADVICE}'


@pytest.mark.slow  # a fresh TensorFlow
def test_the_environment_goes_before_keras_json(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    done = python("import keras_mlp", KERAS_HOME=str(tmp_path), KERAS_BACKEND="tensorflow")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow  # a fresh TensorFlow
def test_keras_already_runs_on_another_backend() -> None:
    done = python("import os, keras; keras.config.backend = lambda: 'numpy'; import keras_mlp")
    assert last_line(done) == f"{NEED}keras is already imported and runs on numpy. {ADVICE}"


@pytest.mark.slow  # a fresh TensorFlow
def test_keras_already_runs_on_tensorflow() -> None:
    assert python("import keras, keras_mlp").returncode == 0
