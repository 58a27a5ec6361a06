"""Predicts the cases in the file that is named with models of a folder, by MLflow's own function."""

import base64, io, json, sys, tempfile
from mlflow.pyfunc import load_model, scoring_server
import pandas as pd
from mlflow.pyfunc.utils.environment import _simulate_serving_environment
models = {}
answers = []

def predict(case):
    name = case["model"]
    models[name] = models.get(name) or load_model(sys.argv[2] + "/" + name)
    scoring_server.load_model = lambda uri: models[name]
    with tempfile.TemporaryDirectory() as folder:
        source, target = folder + "/in", folder + "/out"
        kind, content = case["type"], base64.b64decode(case["input"])
        if kind == "jsonl":
            records = [json.loads(line) for line in content.splitlines() if line.strip()]
            kind, content = "json", json.dumps({"dataframe_records": records}).encode()
        open(source, "wb").write(content)
        if kind == "parquet":
            with _simulate_serving_environment():
                output = io.StringIO()
                scoring_server.predictions_to_json(models[name].predict(pd.read_parquet(source)), output)
                return output.getvalue()
        scoring_server._predict(name, source, target, kind)
        return open(target).read()

for case in json.load(open(sys.argv[1])):
    try:
        answers.append(predict(case))
    except Exception as error:
        answers.append(None)
print()
print(json.dumps(answers))
