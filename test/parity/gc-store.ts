/**
 * Python that fills a database with what `gc` has to remove and what it must leave alone, in every table
 * that knows of an experiment. Arguments: the database's URI, and the folder for artifacts. Prints ids.
 */
export const FILL_STORE = `
import json, sys, time
import numpy as np, sqlalchemy as sa
import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput, LoggedModelOutput, Metric
uri, root = sys.argv[1:3]
mlflow.set_tracking_uri(uri)
client = MlflowClient()
known = {}

def run(experiment, name, deleted=False):
    with mlflow.start_run(experiment_id=experiment, run_name=name, nested=True) as made:
        mlflow.log_metric("m", 1, step=1); mlflow.log_metric("m", float("nan"), step=2)
        mlflow.log_params({"p": 1, "q": 2}); mlflow.set_tag("t", "v")
        mlflow.log_input(mlflow.data.from_numpy(np.arange(3), name="numbers"), context="training")
        mlflow.log_text("0123456789", "sub/a.txt"); mlflow.log_text("", "b.txt")
    known[name] = made.info.run_id
    if deleted: client.delete_run(made.info.run_id)
    return made.info.run_id

def model(experiment, name, run_id, deleted=False):
    made = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags={"k": "v"}, params={"a": "1"})
    client.log_model_artifacts(made.model_id, "files")
    client.log_metric(run_id, "acc", 0.5, model_id=made.model_id)
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, 1)])
    known[name] = made.model_id
    if deleted: client.delete_logged_model(made.model_id)

import os
os.makedirs("files/in", exist_ok=True); open("files/in/model.bin", "w").write("x" * 1000)
experiments = {name: client.create_experiment(name, f"{root}/{name}", tags={"team": name}) for name in ("kept", "gone", "old")}
for name, experiment in experiments.items():
    known["experiment " + name] = experiment
    active = run(experiment, f"{name} active")
    run(experiment, f"{name} deleted", deleted=True)
    run(experiment, f"{name} young", deleted=True)
    model(experiment, f"{name} model", active)
    model(experiment, f"{name} deleted model", active, deleted=True)
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_span("span") as span: span.set_inputs({"x": 1})
    mlflow.flush_trace_async_logging()
    mlflow.log_feedback(trace_id=span.trace_id, name="good", value=True)
    client.link_traces_to_run([span.trace_id], active)
for name in ("gone", "old"): client.delete_experiment(experiments[name])

engine = sa.create_engine(uri)
tables = sa.MetaData(); tables.reflect(engine)
def insert(connection, table_name, **values):
    table = tables.tables[table_name]
    row = {}
    for column in table.columns:
        if column.name in values: row[column.name] = values[column.name]
        elif column.computed is None and not column.nullable and column.server_default is None and not (column.primary_key and isinstance(column.type, sa.Integer)):
            kind = column.type.python_type
            row[column.name] = __import__("datetime").date(2026, 1, 1) if kind.__name__ == "date" else kind(1) if kind in (int, float, bool) else f"{table_name[:10]} {values.get('experiment_id', values.get('id', ''))}"
    connection.execute(table.insert().values(**row))

hour = 3600 * 1000
now = int(time.time() * 1000)
with engine.begin() as connection:
    for experiment in map(int, experiments.values()):
        for n, name in enumerate(("sql_trace_metric_daily_rollups", "sql_span_cost_daily_rollups", "sql_assessment_daily_rollups")):
            insert(connection, name, id=experiment * 10 + n, experiment_id=experiment)
        insert(connection, "sql_trace_rollup_rebuild_queue", experiment_id=experiment)
        insert(connection, "scorers", experiment_id=experiment, scorer_id=f"s{experiment}")
        insert(connection, "scorer_versions", scorer_id=f"s{experiment}", scorer_version=1)
        insert(connection, "online_scoring_configs", scorer_id=f"s{experiment}", experiment_id=experiment, online_scoring_config_id=f"o{experiment}")
        insert(connection, "label_schemas", experiment_id=experiment, schema_id=f"l{experiment}")
        insert(connection, "review_queues", experiment_id=experiment, queue_id=f"q{experiment}")
        insert(connection, "review_queue_users", queue_id=f"q{experiment}", user_id="ann")
        insert(connection, "endpoints", experiment_id=experiment, endpoint_id=f"e{experiment}", name=f"e{experiment}")
        insert(connection, "issues", experiment_id=experiment, issue_id=f"i{experiment}", source_run_id=known["kept deleted"])
    for n, status in enumerate((0, 1, 2, 3, 4, 5, 6)):
        insert(connection, "jobs", id=f"job{n}", status=status, creation_time=now - n * hour)
        insert(connection, "job_locks", lock_key=f"lock{n}", job_id=f"job{n}")
    # What is old was deleted ten hours ago.
    connection.execute(sa.text("update runs set deleted_time = :then where lifecycle_stage = 'deleted' and name not like '% young'"), {"then": now - 10 * hour})
    connection.execute(sa.text("update runs set deleted_time = :then where experiment_id = :id"), {"then": now - 9 * hour, "id": int(experiments["old"])})
    connection.execute(sa.text("update experiments set last_update_time = :then where name = 'old'"), {"then": now - 9 * hour})
    connection.execute(sa.text("update logged_models set last_updated_timestamp_ms = :then where name = 'kept deleted model'"), {"then": now - 8 * hour})
print(json.dumps(known))
`;

/** For a copy of a filled store: its artifacts' addresses lead below another folder. */
export function moveArtifacts(before: string, after: string): readonly string[] {
  const columns = [
    ['experiments', 'artifact_location'],
    ['runs', 'artifact_uri'],
    ['logged_models', 'artifact_location'],
  ];
  return columns.map(
    ([table, column]) =>
      `update ${table} set ${column} = replace(${column}, '${before}/', '${after}/')`,
  );
}
