"""Reads the input of predictions, whole or in chunks, as MLflow reads it where it can."""

import io
import json

from mlts_columns import Unfit

BATCH_ROWS = 50_000


class BadInput(Exception):
    """The input itself is wrong."""


class Reader:
    def __init__(self, model, scoring_server):
        self._server = scoring_server
        self._schema = model.metadata.get_input_schema()
        is_hinted = getattr(model.metadata, "_is_signature_from_type_hint", lambda: False)
        self._is_hinted = is_hinted()

    def read_chunk(self, header, body):
        """The frames of a chunk, one after the other."""
        kind = header["contentType"]
        if kind == "csv":
            yield self._parse_csv(body)
        elif kind == "jsonl":
            yield self._read_records(body.split(b"\n"), header["skipped"] + 1)
        else:
            yield from read_row_group(header["path"], header["group"])

    def read_whole(self, path, kind):
        if kind == "parquet":
            import pandas

            return pandas.read_parquet(path)
        with open_plain(path) as lines:
            return self._read_records(lines, 1)

    def _parse_csv(self, body):
        """How many fields a row may have depends on the rows before it: what pandas refuses in a chunk it may take in
        the whole file, and there its words name the right line."""
        from mlflow.exceptions import MlflowException

        try:
            return self._server.parse_csv_input(io.BytesIO(body))
        except MlflowException as error:
            raise Unfit("whole", "pandas does not take a part of it by itself") from error

    def _read_records(self, lines, first):
        records = [read_record(line, number) for number, line in enumerate(lines, first) if line.strip()]
        if self._is_hinted:
            return records
        return self._parse({"dataframe_records": records})

    def _parse(self, data):
        parse = getattr(self._server, "infer_and_parse_data", None)
        if parse is not None:
            return parse(data, self._schema)
        # Until MLflow 2.8.
        return self._server.infer_and_parse_json_input(json.dumps(data), self._schema)


def open_plain(path):
    if path.endswith(".gz"):
        import gzip

        return gzip.open(path, "rb")
    return open(path, "rb")


def read_record(line, number):
    try:
        record = json.loads(line)
    except ValueError as error:
        raise BadInput(f"line {number} is no JSON: {error}") from None
    if not isinstance(record, dict):
        raise BadInput(f"line {number} is no JSON object")
    return record


def read_row_group(path, group):
    import pyarrow
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group]):
            yield pyarrow.Table.from_batches([batch]).to_pandas()
