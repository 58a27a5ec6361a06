"""Saves Keras and TensorFlow models into the folder that is named; their weights are random."""

import sys
import warnings

import keras
import mlflow
import numpy as np
import tensorflow as tf
from mlflow.models import infer_signature

warnings.filterwarnings("ignore")
folder = sys.argv[1]
keras.utils.set_random_seed(0)
rows = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def save_keras():
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, activation="tanh")])
    for name, signed in [
        ("keras-params", infer_signature(rows, params={"batch_size": 2})),
        ("keras-tensor", infer_signature(rows)),
        ("keras-unsigned", None),
    ]:
        mlflow.keras.save_model(model, f"{folder}/{name}", signature=signed, pip_requirements=["mlflow"])


def save_tensorflow():
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, activation="tanh")])
    mlflow.tensorflow.save_model(
        model, f"{folder}/tensorflow", signature=infer_signature(rows), pip_requirements=["mlflow"]
    )
    first, second = keras.layers.Input((1,), name="first"), keras.layers.Input((1,), name="second")
    named = keras.Model([first, second], keras.layers.Add()([first, second]))
    signed = infer_signature({"first": rows[:, :1], "second": rows[:, 1:2]})
    mlflow.tensorflow.save_model(named, f"{folder}/tensorflow-named", signature=signed, pip_requirements=["mlflow"])


save_keras()
save_tensorflow()
