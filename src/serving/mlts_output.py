"""Writes predictions: as MLflow does, or as lines of JSON, CSV or Parquet."""

import io

from mlts_columns import Unfit

PREDICTIONS = ('{"predictions": [', "]}")


def describe_predictions(predictions, rows):
    """What all chunks must have in common. Unfit where the predictions are not one for each row."""
    import numpy
    import pandas

    if not isinstance(predictions, (numpy.ndarray, pandas.DataFrame, pandas.Series, list)):
        raise Unfit("whole", f"the model gives no rows but one {type(predictions).__name__}")
    if getattr(predictions, "shape", None) == () or len(predictions) != rows:
        raise Unfit("whole", "the model does not give one prediction for each row")
    if isinstance(predictions, pandas.DataFrame):
        return [[str(name), str(dtype)] for name, dtype in predictions.dtypes.items()]
    if isinstance(predictions, list):
        return "list"
    dtype = predictions.dtype
    shape = list(predictions.shape[1:])
    return [type(predictions).__name__, str(dtype) if dtype.kind in "biufc" else dtype.kind, shape]


class Writer:
    """Predictions as text or bytes; pieces of several chunks are joined by the other end."""

    def __init__(self, scoring_server):
        self._server = scoring_server

    def write_piece(self, predictions, target, is_first):
        if target == "json":
            output = io.StringIO()
            self._server.predictions_to_json(predictions, output)
            text, (head, tail) = output.getvalue(), PREDICTIONS
            if not (text.startswith(head) and text.endswith(tail)):
                raise Unfit("whole", "the model does not give a list of predictions")
            return text[len(head) : -len(tail)].encode()
        if target == "jsonl":
            return write_lines(predictions)
        frame = to_frame(predictions)
        if target == "csv":
            return frame.to_csv(index=False, header=is_first).encode()
        return write_arrow(frame)

    def write_whole(self, predictions, target, path):
        if target == "parquet":
            to_frame(predictions).to_parquet(path, index=False)
            return
        with open(path, "wb") as output:
            output.write(self.write_piece(predictions, target, True))


def write_lines(predictions):
    from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj

    rows = _get_jsonable_obj(predictions, pandas_orient="records")
    encode = NumpyEncoder().encode
    return "".join(f"{encode(row)}\n" for row in (rows if isinstance(rows, list) else [rows])).encode()


def to_frame(predictions):
    import numpy
    import pandas

    if isinstance(predictions, pandas.DataFrame):
        return predictions.rename(columns=str)
    if isinstance(predictions, pandas.Series):
        return predictions.to_frame("prediction" if predictions.name is None else str(predictions.name))
    if isinstance(predictions, numpy.ndarray) and predictions.ndim == 2:
        return pandas.DataFrame({f"prediction_{i}": column for i, column in enumerate(predictions.T)})
    if isinstance(predictions, numpy.ndarray):
        return pandas.DataFrame({"prediction": list(predictions) if predictions.ndim > 1 else predictions})
    if isinstance(predictions, dict):
        return pandas.DataFrame({str(name): column for name, column in predictions.items()})
    if isinstance(predictions, list) and predictions and all(isinstance(row, dict) for row in predictions):
        return pandas.DataFrame(predictions)
    return pandas.DataFrame({"prediction": predictions if isinstance(predictions, list) else [predictions]})


def write_arrow(frame):
    import pyarrow

    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def assemble(header):
    """One Parquet file of what the chunks have left, one Arrow stream behind the other."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    with pyarrow.memory_map(header["path"]) as source:
        schemas = [stream.schema for stream in open_streams(source, header["sizes"])]
        with ParquetWriter(header["output"], unite_schemas(schemas)) as writer:
            for stream in open_streams(source, header["sizes"]):
                writer.write_table(stream.read_all().cast(writer.schema))
    return {}


def open_streams(source, sizes):
    import pyarrow

    source.seek(0)
    for size in sizes:
        yield pyarrow.ipc.open_stream(source.read_buffer(size))


def unite_schemas(schemas):
    """A column that was empty in a chunk has the type that it has in the others."""
    import pyarrow

    plain = [schema.remove_metadata() for schema in schemas]
    if all(schema.equals(plain[0]) for schema in plain):
        return plain[0]
    return pyarrow.unify_schemas(plain, promote_options="permissive")
