"""The matrix ledger of a Keras model: `from_keras` makes the description that the ledger reads."""

import keras

from gradient_diff import ledger
from keras_mlp import from_keras


def test_a_keras_model_has_a_ledger_under_its_own_names() -> None:
    layers = [keras.layers.Dense(5, "tanh", name="hidden"), keras.layers.Dense(3, name="output")]
    model = keras.Sequential([keras.Input((7,)), *layers])
    mlp, parameters = from_keras(model)
    book = ledger(mlp, "mean_squared_error", 2, shapes=parameters)
    assert book.fits
    line = book.of("output/kernel")[0]
    assert (line.layer, line.numbers) == ("output", "(5, 2)(2, 3) → (5, 3)")
