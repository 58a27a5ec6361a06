"""Saves a scikit-learn model with the MLflow that runs this, into the folder that is named."""

import sys
import warnings

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

warnings.filterwarnings("ignore")
folder, *requirements = sys.argv[1:]
rows = pd.DataFrame({"area": [10.5, 20.25, 30.125], "rooms": [1, 2, 4], "new": [True, False, True]})
model = LinearRegression().fit(rows, rows.area * 2 + rows.rooms)
mlflow.sklearn.save_model(
    model,
    folder,
    signature=infer_signature(rows, model.predict(rows)),
    input_example=rows,
    pip_requirements=requirements,
)
