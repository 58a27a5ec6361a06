import { execa } from 'execa';
import { askPython, mlflowEnv } from './mlflow.ts';
import { ensureOlderMlflow } from './older-mlflow.ts';

const OLD_VERSION = '2.9.2';

/** What both versions can write: argv[1] is the folder. */
const COMMON = `
import sys, time
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
c = MlflowClient(sys.argv[1], sys.argv[1])
store = c._tracking_client.store
churn = c.create_experiment("churn", tags={"team": "a", "note": "two\\nlines"})
gone = c.create_experiment("gone")
numeric = c.create_experiment("2024", artifact_location="s3://bucket/it's here")
c.create_experiment("y")
run = c.create_run(churn, run_name="first: one", tags={"mlflow.user": "jo", "a/b": "in a folder", "empty": ""}).info.run_id
c.log_param(run, "alpha", "0.5")
c.log_param(run, "group/beta", "ünï ✓")
c.log_param(run, "text", "two\\nlines\\n")
for step in range(20): c.log_metric(run, "loss", 1 / (step + 1), timestamp=1700000000000 + step, step=step)
for value in (float("nan"), float("inf"), float("-inf"), -0.0, 1e300, 5e-324): c.log_metric(run, "odd", value, timestamp=1700000000000, step=3)
c.log_metric(run, "nan last", 1.0, timestamp=1, step=0)
c.log_metric(run, "nan last", float("nan"), timestamp=1, step=1)
c.log_metric(run, "tie", float("nan"), timestamp=1, step=0)
c.log_metric(run, "tie", 0.0, timestamp=1, step=0)
c.log_metric(run, "tie", -1.0, timestamp=1, step=0)
c.log_metric(run, "group/late", 2.0, timestamp=5, step=2)
c.log_metric(run, "group/late", 1.0, timestamp=9, step=1)
store.log_inputs(run, [DatasetInput(Dataset("train", "d1", "local", '{"uri": "train.csv"}', '{"columns": []}', None), [InputTag("mlflow.data.context", "training"), InputTag("n", "1")])])
c.set_terminated(run, "FINISHED", end_time=1700000009999)
child = c.create_run(churn, tags={"mlflow.parentRunId": run}).info.run_id
store.log_inputs(child, [DatasetInput(Dataset("train", "d1", "local", '{"uri": "train.csv"}', '{"columns": []}', None), [])])
c.set_terminated(child, "FAILED")
c.set_terminated(c.create_run(numeric).info.run_id, "KILLED")
c.create_run("0")
deleted = c.create_run(churn).info.run_id
c.log_metric(deleted, "m", 1.0)
c.delete_run(deleted)
lost = c.create_run(gone).info.run_id
c.log_param(lost, "p", "x")
c.delete_experiment(gone)
c.create_registered_model("model one", {"team": "a", "empty": ""}, "why\\nso")
c.create_registered_model("without versions")
c.create_model_version("model one", "s3://bucket/one", run, {"checked": "yes"}, description="first")
c.create_model_version("model one", "s3://bucket/two")
c.create_model_version("model one", "s3://bucket/three")
c.transition_model_version_stage("model one", "1", "Production")
c.delete_model_version("model one", "3")
c.set_registered_model_alias("model one", "champion", "2")
c.create_registered_model("deleted one")
c.delete_registered_model("deleted one")
`;

/** What MLflow 3 has beside that: logged models, outputs, traces with feedback, prompts. */
const OF_MLFLOW_3 = `
import mlflow, json
from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelParameter, LoggedModelTag, LoggedModelStatus, TraceInfo, TraceLocation, TraceState, Feedback, Expectation, AssessmentSource, AssessmentError
made = c.create_logged_model(churn, name="made", source_run_id=run, tags={"t": "1"}, params={"p": "2"}, model_type="agent")
pending = c.create_logged_model(churn, name="pending")
c.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
dropped = c.create_logged_model(churn, name="dropped")
c.delete_logged_model(dropped.model_id)
c.log_outputs(run, [LoggedModelOutput(made.model_id, 4)])
c.log_inputs(child, models=[LoggedModelInput(made.model_id)])
c.log_metric(run, "acc", 0.5, timestamp=7, step=1, model_id=made.model_id)
c.log_metric(run, "acc", 0.75, timestamp=8, step=2, model_id=made.model_id, dataset_name="train", dataset_digest="d1")
c.log_metric(run, "odd", float("nan"), timestamp=8, step=2, model_id=made.model_id)
c.log_metric(run, "odd", float("inf"), timestamp=9, step=2, model_id=made.model_id)
info = TraceInfo(trace_id="tr-1", trace_location=TraceLocation.from_experiment_id(churn), request_time=1700000000123, state=TraceState.OK, execution_duration=45, request_preview='{"q": 1}', response_preview="two", client_request_id="cr-1", trace_metadata={"mlflow.trace.session": "s-1", "mlflow.trace.tokenUsage": json.dumps({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}), "mlflow.trace.cost": json.dumps({"input_cost": 0.25, "total_cost": 1}), "mlflow.user": "jo"}, tags={"mlflow.traceName": "answer", "k": "v"})
store.start_trace(info)
store.start_trace(TraceInfo(trace_id="tr-2", trace_location=TraceLocation.from_experiment_id(churn), request_time=1700000000999, state=TraceState.ERROR))
human = AssessmentSource("HUMAN", "jo")
for a in (
    Feedback(name="good", value=True, source=human, trace_id="tr-1", rationale="it is", metadata={"k": "v"}, create_time_ms=1700000001111, last_update_time_ms=1700000002222),
    Feedback(name="score", value=0.5, source=human, trace_id="tr-1"),
    Feedback(name="count", value=3, source=human, trace_id="tr-1"),
    Feedback(name="word", value="yes", source=human, trace_id="tr-1"),
    Feedback(name="failed", error=AssessmentError("E1", "it broke"), source=human, trace_id="tr-1"),
    Feedback(name="list", value=["é", 1, {"a": None}], source=human, trace_id="tr-1"),
    Expectation(name="answer", value="four", source=human, trace_id="tr-1"),
): store.create_assessment(a)
c.register_prompt("greeting", "Hello {{name}}!", commit_message="first", tags={"lang": "en"})
c.set_prompt_alias("greeting", "live", 1)
`;

const END = '\nprint("{}")\n';

/** A folder as MLflow 3.17.2 leaves it, with everything that it can hold. */
export async function makeFileStore(folder: string): Promise<void> {
  await askPython(COMMON + OF_MLFLOW_3 + END, [folder]);
}

/** A folder as MLflow 2.9.2 leaves it. */
export async function makeOldFileStore(folder: string): Promise<void> {
  const python = await ensureOlderMlflow(OLD_VERSION);
  await execa(python, ['-c', COMMON, folder], { env: mlflowEnv(), extendEnv: false });
}
