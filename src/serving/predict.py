"""Loads one MLflow model and predicts files with it, whole or in chunks; asked over descriptor 3, as `worker.py` is.

Each frame that comes names what is to be done; `predictor.ts` has the other end. What can be said of the columns
of a chunk is told with its predictions, since pandas guesses the types of columns from what it reads at once:
only where all chunks agree are their predictions those of the whole file.
"""

import importlib.util
import inspect
import os
import signal
import sys

from mlts_columns import Unfit, describe_columns, fit, join_columns
from mlts_input import BadInput, Reader
from mlts_output import Writer, assemble, describe_predictions
from mlts_start import import_mlflow


def read_worker():
    """Not imported by name: a model may have a module `worker` of its own."""
    spec = importlib.util.spec_from_file_location(
        "_mlts_worker", os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    )
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    return worker


class Predictor:
    def __init__(self, model_path, model, scoring_server):
        self._path, self._model, self._server = model_path, model, scoring_server
        self._reader = Reader(model, scoring_server)
        self._writer = Writer(scoring_server)
        self._takes_params = "params" in inspect.signature(model.predict).parameters

    def answer(self, header, body):
        return getattr(self, header["kind"])(header, body)

    def whole(self, header, _body):
        """The file as MLflow predicts it, by MLflow's own function where that knows the kind of file."""
        path, kind, target, output = (header[name] for name in ("path", "contentType", "format", "output"))
        if kind in ("jsonl", "parquet"):
            predictions = self._predict(self._reader.read_whole(path, kind))
        elif target == "json":
            self._predict_as_mlflow(path, output, kind, None)
            return {}, b""
        else:
            kept = []
            self._predict_as_mlflow(path, output, kind, kept)
            (predictions,) = kept
        if target == "json":
            with open(output, "w") as file:
                self._server.predictions_to_json(predictions, file)
        else:
            self._writer.write_whole(predictions, target, output)
        return {}, b""

    def _predict_as_mlflow(self, path, output, kind, kept):
        """It loads the model and writes JSON by itself: both are done already, or done otherwise."""
        self._server.load_model = lambda *_args, **_more: self._model
        writers = ("predictions_to_json", "unwrapped_predictions_to_json")
        originals = {name: getattr(self._server, name) for name in writers if hasattr(self._server, name)}
        if kept is not None:
            for name in originals:
                setattr(self._server, name, lambda predictions, *_more: kept.append(predictions))
        try:
            self._server._predict(self._path, path, output, kind)
        finally:
            for name, original in originals.items():
                setattr(self._server, name, original)

    def _predict(self, data):
        return self._model.predict(data, params=None) if self._takes_params else self._model.predict(data)

    def chunk(self, header, body):
        agreed, target = header["columns"], header["format"]
        rows, pieces, output = 0, [], header["output"]
        for data in self._reader.read_chunk(header, body):
            # Blank lines have no types.
            if len(data) == 0:
                continue
            found = describe_columns(data)
            data = fit(data, found, agreed)
            agreed = found if agreed is None else agreed
            predictions = self._predict(data)
            described = describe_predictions(predictions, len(data))
            if output not in (None, described):
                raise Unfit("whole", "the predictions are not always of the same type")
            output = described
            pieces.append(self._writer.write_piece(predictions, target, header["isFirst"] and not pieces))
            rows += len(data)
        sizes = [len(piece) for piece in pieces]
        separator = b", " if target == "json" else b""
        return {"rows": rows, "columns": agreed, "output": output, "sizes": sizes}, separator.join(pieces)

    def scan(self, header, body):
        """What the columns are of all that was read up to here."""
        columns = header["columns"]
        for data in self._reader.read_chunk(header, body):
            if len(data) > 0:
                found = describe_columns(data)
                columns = join_columns(found if columns is None else columns, found)
        return {"columns": columns}, b""

    def groups(self, header, _body):
        """The rows in each group of a Parquet file."""
        from pyarrow.parquet import ParquetFile

        with ParquetFile(header["path"]) as file:
            counts = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
        return {"groups": counts}, b""

    def assemble(self, header, _body):
        return assemble(header), b""


def answer(worker, predictor, header, body):
    try:
        return predictor.answer(header, body)
    except Unfit as error:
        return {"unfit": error.kind, "reason": str(error)}, b""
    except BaseException as error:
        said = worker.describe_error(error)
        said["input"] = isinstance(error, BadInput)
        said["message"] = str(getattr(error, "message", error))
        said["type"] = type(error).__name__
        said["errno"] = getattr(error, "errno", None)
        return said, b""


def load(worker, channel, model_path):
    try:
        import_mlflow()
        from mlflow.pyfunc import scoring_server

        model = scoring_server.load_model(model_path)
        predictor = Predictor(model_path, model, scoring_server)
    except BaseException as error:
        channel.send({"kind": "failed", **worker.describe_error(error)})
        sys.exit(1)
    import mlflow

    python = sys.version.split()[0]
    channel.send({"kind": "ready", "mlflow": mlflow.__version__, "python": python, "takesColumns": False})
    return predictor


def main():
    # Ctrl-C and the like are answered by who has started us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Predictions go to stdout; what a model prints does not belong there.
    os.dup2(2, 1)
    worker = read_worker()
    # Modules of a model are not to be found beside this file.
    sys.path.pop(0)
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    worker.end_with_parent()
    channel = worker.Channel()
    predictor = load(worker, channel, sys.argv[1])
    while (request := channel.receive()) is not None:
        header, body = request
        channel.send(*answer(worker, predictor, header, body))


if __name__ == "__main__":
    main()
