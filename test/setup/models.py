"""Saves the models that the tests serve, with the MLflow that runs this, into the folder that is named."""

import sys
import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import Array, ColSpec, DataType, Object, ParamSchema, ParamSpec, Property, Schema
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

warnings.filterwarnings("ignore")
folder = sys.argv[1]
random = np.random.default_rng(0)
PICKLED = {"serialization_format": "cloudpickle", "pip_requirements": ["mlflow", "scikit-learn"]}


def save_numbers():
    """Twenty columns of doubles."""
    rows = pd.DataFrame(random.normal(size=(200, 20)), columns=[f"f{i}" for i in range(20)])
    model = GradientBoostingClassifier(n_estimators=20).fit(rows, rows.f0 + rows.f1 > 0)
    signature = infer_signature(rows, model.predict(rows))
    mlflow.sklearn.save_model(model, f"{folder}/numbers", signature=signature, input_example=rows[:2], **PICKLED)


def describe(rows):
    """All that a model can see of its input, one row for each of its own."""
    text = rows.dtypes.astype(str).to_dict()
    return pd.DataFrame({"row": [repr(row) for row in rows.to_dict("records")], "types": [str(text)] * len(rows)})


def save_mixed():
    """A scikit-learn model that shows what it is given: every plain type of a column."""
    types = ["boolean", "integer", "long", "float", "double", "string"]
    inputs = Schema([ColSpec(kind, f"a {kind}") for kind in types])
    mlflow.sklearn.save_model(Describing(), f"{folder}/mixed", signature=ModelSignature(inputs=inputs), **PICKLED)


class Describing(LinearRegression):
    def predict(self, rows):
        return describe(rows)


def save_regression():
    rows = pd.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "c"])
    model = LinearRegression().fit(rows, rows.a * 3 - rows.b / 7)
    signature = infer_signature(rows, model.predict(rows))
    mlflow.sklearn.save_model(model, f"{folder}/regression", signature=signature, **PICKLED)


def save_chosen():
    """A pipeline that knows its columns by their names."""
    rows = pd.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "c"])
    chosen = ColumnTransformer([("kept", "passthrough", ["c", "a"])])
    model = make_pipeline(chosen, LinearRegression()).fit(rows, rows.a * 3 - rows.c / 7)
    signature = infer_signature(rows, model.predict(rows))
    mlflow.sklearn.save_model(model, f"{folder}/chosen", signature=signature, **PICKLED)


class Picky(LinearRegression):
    """Refuses what is below zero, and gives back twice the rest."""

    def predict(self, rows):
        if (rows["a"] < 0).any():
            raise ValueError("below zero")
        return rows["a"].to_numpy() * 2


def save_picky():
    signature = ModelSignature(inputs=Schema([ColSpec("double", "a")]))
    mlflow.sklearn.save_model(Picky(), f"{folder}/picky", signature=signature, **PICKLED)


LEAKED = []


class Custom(mlflow.pyfunc.PythonModel):
    """Does what a test tells it to."""

    def predict(self, context, model_input, params=None):
        import os
        import time

        for order in model_input["order"]:
            if order == "raise":
                raise ValueError("the model raises")
            if order == "exit":
                os._exit(3)
            if order == "print":
                print("the model prints" * 10_000)
                os.write(1, b"to descriptor 1")
            if order == "leak":
                LEAKED.append(bytearray(os.urandom(1 << 20) * 600))
            if order.startswith("sleep"):
                time.sleep(float(order.removeprefix("sleep ")))
        if "nan" in list(model_input["order"]):
            return [float("nan")] * len(model_input)
        return [f"{order} by {os.getpid()}" for order in model_input["order"]]


def save_custom():
    signature = ModelSignature(
        inputs=Schema([ColSpec("string", "order"), ColSpec("double", "weight", required=False)]),
        params=ParamSchema([ParamSpec("temperature", DataType.double, 0.5)]),
    )
    mlflow.pyfunc.save_model(f"{folder}/custom", python_model=Custom(), signature=signature, pip_requirements=["mlflow"])


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


class Seeing(mlflow.pyfunc.PythonModel):
    """Shows all that a custom model can see of its input."""

    def predict(self, context, model_input, params=None):
        return describe(model_input)


def save_seeing():
    types = ["boolean", "integer", "long", "float", "double", "string"]
    signature = ModelSignature(inputs=Schema([ColSpec(kind, f"a {kind}") for kind in types]))
    mlflow.pyfunc.save_model(f"{folder}/seeing", python_model=Seeing(), signature=signature, pip_requirements=["mlflow"])


def save_nested():
    inputs = Schema([
        ColSpec(Array(DataType.double), "list"),
        ColSpec(Object([Property("x", DataType.long), Property("y", DataType.string, required=False)]), "object"),
        ColSpec("datetime", "day"),
    ])
    mlflow.pyfunc.save_model(
        f"{folder}/nested", python_model=Echo(), signature=ModelSignature(inputs=inputs), pip_requirements=["mlflow"]
    )


def save_tensor():
    rows = random.normal(size=(20, 4))
    mlflow.pyfunc.save_model(
        f"{folder}/tensor", python_model=Echo(), signature=infer_signature(rows), pip_requirements=["mlflow"]
    )


def save_unsigned():
    mlflow.pyfunc.save_model(f"{folder}/unsigned", python_model=Echo(), pip_requirements=["mlflow"])


class Counting(mlflow.pyfunc.PythonModel):
    """Its answer is not one for each row."""

    def predict(self, context, model_input, params=None):
        import os

        return {"rows": len(model_input), "greeting": os.environ.get("GREETING")}


def save_counting():
    mlflow.pyfunc.save_model(f"{folder}/counting", python_model=Counting(), pip_requirements=["mlflow"])


class Broken(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        import no_such_module_anywhere  # noqa: F401


def save_broken():
    mlflow.pyfunc.save_model(f"{folder}/broken", python_model=Broken(), pip_requirements=["mlflow"])


save_numbers()
save_mixed()
save_regression()
save_chosen()
save_picky()
save_custom()
save_seeing()
save_nested()
save_tensor()
save_unsigned()
save_counting()
save_broken()
