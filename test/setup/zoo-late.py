"""Saves models that want what a worker imports only when it is wanted, into the folder that is named: `mlflow.genai`,
`mlflow.gateway` and `scipy.stats`."""

import os
import sys
import tempfile
import warnings

import mlflow
import numpy as np
import pandas as pd
import scipy.stats
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import ColSpec, Schema
from sklearn.linear_model import Ridge
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

warnings.filterwarnings("ignore")
folder = sys.argv[1]
sources = tempfile.mkdtemp()
text_in = ModelSignature(inputs=Schema([ColSpec("string", "text")]))
numbers_in = ModelSignature(inputs=Schema([ColSpec("double", name) for name in "abc"]))


def write(name, text):
    path = os.path.join(sources, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def save(name, model, signature):
    mlflow.pyfunc.save_model(
        f"{folder}/{name}", python_model=model, signature=signature, pip_requirements=["mlflow", "scipy"]
    )


JUDGING = """
import mlflow.gateway
import mlflow.genai
from mlflow.genai.scorers import scorer
from mlflow.models import set_model

@scorer
def is_good(outputs):
    return outputs == "good"

class Judging(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        from mlflow.genai.judges import make_judge

        self._judge = make_judge(name="tone", instructions="Is {{ outputs }} polite?", model="openai:/none")
        mlflow.gateway.set_gateway_uri("http://nowhere:5000")

    def predict(self, context, model_input, params=None):
        from mlflow.gateway.utils import is_valid_endpoint_name
        from mlflow.genai import Scorer

        if "bad" in list(model_input["text"]):
            mlflow.genai.nothing
        return model_input.assign(
            good=[is_good(outputs=text) for text in model_input["text"]],
            name=[is_valid_endpoint_name(text) for text in model_input["text"]],
            judge=f"{self._judge.instructions} {isinstance(self._judge, Scorer)}",
            gateway=mlflow.gateway.get_gateway_uri(),
        )

set_model(Judging())
"""


class Guided(mlflow.pyfunc.PythonModel):
    """Holds something of `mlflow.genai`, and asks for more by its name alone."""

    def __init__(self):
        self._rule = mlflow.genai.scorers.Guidelines(name="polite", guidelines=["be polite"])

    def predict(self, context, model_input, params=None):
        is_rule = isinstance(self._rule, mlflow.genai.scorers.Scorer)
        if "bad" in list(model_input["text"]):
            mlflow.gateway.nothing
        return [f"{text}: {self._rule.name} {self._rule.guidelines} {is_rule}" for text in model_input["text"]]


SHAPED = """
import mlflow
from mlflow.models import set_model
from scipy.stats import rv_continuous
from sklearn.linear_model import LinearRegression

class Triangle(rv_continuous):
    def _pdf(self, x):
        return 2 * x

class Shaped(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        triangle = Triangle(a=0, b=1, name="triangle")
        return [float(value) for value in triangle.cdf(model_input["a"])]

set_model(Shaped())
"""


class Frozen(mlflow.pyfunc.PythonModel):
    """A distribution with its numbers, and a function."""

    def __init__(self):
        self._law = scipy.stats.norm(1, 2)
        self._rank = scipy.stats.rankdata

    def predict(self, context, model_input, params=None):
        return pd.DataFrame({"cdf": self._law.cdf(model_input["a"]), "rank": self._rank(model_input["b"])})


def save_search():
    """scikit-learn has a distribution in its settings, and asks for another one when it predicts."""
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=list("abc"))
    search = RandomizedSearchCV(Ridge(), {"alpha": scipy.stats.uniform(0.5, 1)}, n_iter=2, random_state=0)
    scaled = QuantileTransformer(n_quantiles=10, output_distribution="normal")
    model = make_pipeline(scaled, search).fit(rows, rows.a * 3 - rows.b)
    mlflow.sklearn.save_model(
        model,
        f"{folder}/stats-search",
        signature=infer_signature(rows, model.predict(rows)),
        serialization_format="cloudpickle",
        pip_requirements=["mlflow", "scikit-learn"],
    )


save("genai-code", write("judging.py", JUDGING), text_in)
save("genai-held", Guided(), text_in)
save("stats-class", write("shaped.py", SHAPED), numbers_in)
save("stats-held", Frozen(), numbers_in)
save_search()
