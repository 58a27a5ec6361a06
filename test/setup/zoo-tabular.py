"""Saves gradient boosting, onnx and statistics models with the MLflow that runs this, into the folder that is named."""

import sys
import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

warnings.filterwarnings("ignore")
folder = sys.argv[1]
random = np.random.default_rng(0)
rows = pd.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "c"])
answers = rows.a * 3 - rows.b / 7
signature = infer_signature(rows, answers)


def save_xgboost():
    from xgboost import DMatrix, XGBRegressor, train

    model = XGBRegressor(n_estimators=5).fit(rows, answers)
    mlflow.xgboost.save_model(model, f"{folder}/xgboost", signature=signature, pip_requirements=["mlflow"])
    booster = train({"max_depth": 2}, DMatrix(rows, answers), 5)
    mlflow.xgboost.save_model(booster, f"{folder}/xgboost-unsigned", pip_requirements=["mlflow"])


def save_lightgbm():
    from lightgbm import LGBMClassifier

    typed = rows.assign(b=rows.b.astype("int32"), c=rows.c.astype("float32"))
    model = LGBMClassifier(n_estimators=5, verbose=-1).fit(typed, np.where(answers > 0, "up", "down"))
    signed = infer_signature(typed, model.predict(typed))
    mlflow.lightgbm.save_model(model, f"{folder}/lightgbm", signature=signed, pip_requirements=["mlflow"])


def save_catboost():
    from catboost import CatBoostClassifier, CatBoostRegressor

    typed = rows.assign(b=np.where(rows.b > 0, "yes", "no"), c=rows.c > 0)
    model = CatBoostClassifier(iterations=5, verbose=False, cat_features=["b"], allow_writing_files=False)
    model.fit(typed, np.where(answers > 0, "up", "down"))
    signed = infer_signature(typed, model.predict(typed))
    mlflow.catboost.save_model(model, f"{folder}/catboost", signature=signed, pip_requirements=["mlflow"])
    plain = CatBoostRegressor(iterations=5, verbose=False, allow_writing_files=False).fit(rows, answers)
    mlflow.catboost.save_model(plain, f"{folder}/catboost-unsigned", pip_requirements=["mlflow"])


def make_onnx(inputs, nodes, outputs, initializers=()):
    from onnx import checker, helper

    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


def save_onnx():
    """One input that takes all columns as a matrix, and one input for each column."""
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.array([[3.0], [0.5], [0.25]], dtype="float32"), "weights")
    value = helper.make_tensor_value_info
    matrix = make_onnx(
        [value("rows", TensorProto.FLOAT, [None, 3])],
        [helper.make_node("MatMul", ["rows", "weights"], ["answer"])],
        [value("answer", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    tensor = infer_signature(rows.to_numpy().astype("float32"))
    for name, signed in [("onnx", infer_signature(rows.astype("float32"))), ("onnx-tensor", tensor), ("onnx-doubles", signature)]:
        mlflow.onnx.save_model(matrix, f"{folder}/{name}", signature=signed, pip_requirements=["mlflow"])
    columns = make_onnx(
        [value(name, TensorProto.DOUBLE, [None]) for name in rows.columns],
        [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Mul", ["sum", "c"], ["product"])],
        [value("sum", TensorProto.DOUBLE, [None]), value("product", TensorProto.DOUBLE, [None])],
    )
    mlflow.onnx.save_model(columns, f"{folder}/onnx-columns", signature=signature, pip_requirements=["mlflow"])


def save_statsmodels():
    import statsmodels.api as sm

    signed = infer_signature(rows)
    model = sm.OLS(answers, rows).fit()
    mlflow.statsmodels.save_model(model, f"{folder}/statsmodels", signature=signed, pip_requirements=["mlflow"])
    series = sm.tsa.ARIMA(answers, order=(1, 0, 0)).fit()
    mlflow.statsmodels.save_model(series, f"{folder}/statsmodels-series", pip_requirements=["mlflow"])


def save_prophet():
    from prophet import Prophet

    days = pd.date_range("2024-01-01", periods=60)
    history = pd.DataFrame({"ds": days, "y": np.arange(60) + random.normal(size=60)})
    model = Prophet(uncertainty_samples=0, weekly_seasonality=False, yearly_seasonality=False, daily_seasonality=False)
    model.fit(history)
    signed = infer_signature(history[["ds"]])
    mlflow.prophet.save_model(model, f"{folder}/prophet", signature=signed, pip_requirements=["mlflow"])


save_xgboost()
save_lightgbm()
save_catboost()
save_onnx()
save_statsmodels()
save_prophet()
