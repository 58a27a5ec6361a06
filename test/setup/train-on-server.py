"""What a team trains with MLflow's fluent API on a server; prints what is there afterwards, as JSON."""

import json
import os
import sys
import time

import mlflow
import numpy
import pandas
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.cli import cli
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

folder = sys.argv[1]
os.chdir(folder)
client = MlflowClient()
told = {}


def refused(work):
    try:
        work()
        return None
    except MlflowException as error:
        return error.error_code


frame = pandas.DataFrame({"a": [float(i) for i in range(20)], "b": [i % 3 for i in range(20)]})
labels = [int(i > 9) for i in range(20)]
mlflow.set_experiment("training")

mlflow.sklearn.autolog()
with mlflow.start_run(run_name="auto") as auto:
    LogisticRegression().fit(frame, labels)
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="grid"):
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(frame, labels)
mlflow.sklearn.autolog(disable=True)

with mlflow.start_run(run_name="outer") as outer:
    for number in range(2):
        with mlflow.start_run(nested=True, run_name=f"inner {number}"):
            mlflow.log_metric("m", number)
    waiting = [mlflow.log_metric("async", i, step=i, synchronous=False) for i in range(200)]
    waiting.append(mlflow.log_params({f"p{i}": i for i in range(20)}, synchronous=False))
    waiting.append(mlflow.set_tags({"late": "yes"}, synchronous=False))
    for operation in waiting:
        operation.wait()
    mlflow.flush_async_logging()
    picture = numpy.zeros((4, 4, 3), dtype=numpy.uint8)
    mlflow.log_image(picture, key="picture", step=1)
    mlflow.log_image(picture, "plain.png")
    mlflow.log_table({"q": ["a", "b"]}, "table.json")
    mlflow.log_table({"q": ["c"]}, "table.json")
    told["table"] = mlflow.load_table("table.json", run_ids=[outer.info.run_id])["q"].tolist()
    rows = mlflow.data.from_pandas(frame, name="rows", targets="b")
    mlflow.log_input(rows, context="train", tags={"kind": "tabular"})
    mlflow.log_metrics({"on rows": 0.5}, dataset=rows)
    judged = frame.assign(guess=frame["b"])
    found = mlflow.models.evaluate(
        data=mlflow.data.from_pandas(judged, name="judged", targets="b", predictions="guess"),
        model_type="regressor",
        evaluators="default",
    )
    told["evaluated"] = sorted(found.metrics)

# How much a batch may hold, and what is refused.
with mlflow.start_run(run_name="limits") as limits:
    run_id = limits.info.run_id
    metrics = [Metric(f"k{i % 7}", i, 1, i) for i in range(1001)]
    told["limits"] = [
        refused(lambda: client.log_batch(run_id, metrics[:1000])),
        refused(lambda: client.log_batch(run_id, metrics)),
        refused(lambda: mlflow.log_metrics({f"x{i}": i for i in range(1500)})),
        refused(lambda: mlflow.log_params({f"q{i}": i for i in range(250)})),
        refused(lambda: client.log_batch(run_id, params=[Param(f"r{i}", "1") for i in range(101)])),
        refused(lambda: client.log_batch(run_id, params=[Param("p", "x" * 6001)])),
        refused(lambda: client.log_param(run_id, "q1", "changed")),
        refused(lambda: client.log_metric(run_id, "no/../path", 1)),
        refused(lambda: client.set_tag(run_id, "t", "x" * 8001)),
        refused(lambda: client.get_run("f" * 32)),
    ]

mlflow.set_system_metrics_sampling_interval(0.1)
mlflow.set_system_metrics_samples_before_logging(1)
with mlflow.start_run(run_name="system", log_system_metrics=True) as system:
    # Until the first have arrived, however busy the machine is.
    while not any(key.startswith("system/") for key in client.get_run(system.info.run_id).data.metrics):
        time.sleep(0.1)

model = mlflow.register_model(f"runs:/{auto.info.run_id}/model", "iris", tags={"from": "auto"})
client.transition_model_version_stage("iris", model.version, "Production")
client.set_registered_model_alias("iris", "champion", str(model.version))
told["predicted"] = [
    mlflow.pyfunc.load_model(f"models:/iris{which}").predict(frame.head(2)).tolist()
    for which in ["/1", "/Production", "/latest", "@champion"]
]
told["version"] = [model.status, model.run_id == auto.info.run_id, model.source.split(":")[0]]


# MLflow's own commands.
def command(*words):
    result = CliRunner().invoke(cli, list(words))
    assert result.exit_code == 0, (words, result.output, result.exception)
    return result.output


made = command("experiments", "create", "-n", "by command")
by_command = client.get_experiment_by_name("by command")
assert by_command.experiment_id in made
with open("note.txt", "w") as note:
    note.write("hello")
with open("given.txt", "w") as note:
    note.write("given")
command("artifacts", "log-artifact", "--local-file", "note.txt", "--run-id", outer.info.run_id, "--artifact-path", "by")
command("artifacts", "download", "--run-id", outer.info.run_id, "--artifact-path", "by/note.txt", "--dst-path", "got")
command("experiments", "rename", "-x", by_command.experiment_id, "--new-name", "renamed")
command("experiments", "delete", "-x", by_command.experiment_id)
command("experiments", "restore", "-x", by_command.experiment_id)
command("runs", "delete", "--run-id", limits.info.run_id)
command("runs", "restore", "--run-id", limits.info.run_id)
told["commands"] = [
    open("got/by/note.txt" if os.path.exists("got/by") else "got/note.txt").read(),
    [f["path"] for f in json.loads(command("artifacts", "list", "--run-id", outer.info.run_id, "-a", "by"))],
    "renamed" in command("experiments", "search"),
    "outer" in command("runs", "list", "--experiment-id", outer.info.experiment_id),
    json.loads(command("runs", "describe", "--run-id", outer.info.run_id))["info"]["status"],
]


def files(run_id, path=None):
    for entry in client.list_artifacts(run_id, path):
        if entry.is_dir:
            yield from files(run_id, entry.path)
        else:
            yield entry.path


found = client.search_runs([auto.info.experiment_id])
names = {run.info.run_id: run.info.run_name for run in found}
told["runs"] = []
for run in sorted(found, key=lambda run: (run.info.run_name if "-" not in run.info.run_name else "", run.data.params.get("C", ""))):
    data, given = run.data, run.inputs
    own = {key: value for key, value in data.tags.items() if key not in ("mlflow.user", "mlflow.source.name")}
    told["runs"].append(
        {
            # The grid's own children have names that are made up.
            "name": run.info.run_name if "-" not in run.info.run_name else "made up",
            "status": run.info.status,
            "params": data.params,
            "metrics": {
                key: value for key, value in data.metrics.items() if "time" not in key and not key.startswith("system/")
            },
            "system": sorted(key for key in data.metrics if key.startswith("system/") and "gpu" not in key)[:3],
            "tags": sorted(own),
            "parent": names.get(own.get("mlflow.parentRunId")),
            "datasets": sorted(
                [i.dataset.name, i.dataset.source_type, sorted((t.key, t.value) for t in i.tags)] for i in given.dataset_inputs
            ),
            "models": [len(run.inputs.model_inputs), len(run.outputs.model_outputs)],
            "files": sorted(path for path in files(run.info.run_id) if not path.startswith("images/")),
            "images": len([path for path in files(run.info.run_id) if path.startswith("images/")]),
        }
    )
told["history"] = [
    [m.step, m.value] for m in sorted(client.get_metric_history(outer.info.run_id, "async"), key=lambda m: m.step)
] == [[i, float(i)] for i in range(200)]
found = mlflow.search_logged_models([auto.info.experiment_id], output_format="list")
told["logged models"] = [[m.name, str(m.status), sorted(m.metrics and [x.key for x in m.metrics] or [])] for m in found]
print(json.dumps(told, sort_keys=True))
