"""Predicts from columns that have been read and checked against the signature already, as MLflow would from the body."""

import inspect
import io
import json

from mlts_arrays import answers_alike, ignores_names

JSON_TYPE = "application/json"


class ColumnScorer:
    """Calls the flavor's own `predict` on a DataFrame that is made straight from columns, as `PyFuncModel.predict`
    does when it has checked its input.

    It is the DataFrame that MLflow would have made of the same request: `is_exact` makes sure of that when the
    model is loaded, by having one made both ways. Or it is an array, where the model makes the same of that.
    """

    def __init__(self, model, scoring_server):
        import numpy
        import pandas
        from mlflow.pyfunc.context import Context, set_prediction_context

        self._make_context, self._set_context = Context, set_prediction_context
        self._numpy, self._pandas, self._server = numpy, pandas, scoring_server
        self._model = model
        self._schema = model.metadata.get_input_schema()
        self._names = self._schema.input_names()
        self._types = [kind.name for kind in self._schema.input_types()]
        self._dtypes = [kind.to_numpy() for kind in self._schema.input_types()]
        self._index = pandas.Index(self._names)
        self._is_matrix = set(self._types) == {"double"}
        takes_params = inspect.signature(model._predict_fn).parameters.get("params")
        has_params = takes_params and takes_params.kind != inspect.Parameter.VAR_KEYWORD
        self._arguments = {"params": self._validate(None)[1]} if has_params else {}
        self._context = {**read_dependencies(model.metadata), "model_id": model.model_id}
        self._takes_arrays = self._is_matrix and self._can_take_arrays()

    def _can_take_arrays(self):
        rows = self._numpy.array([[0.1, -0.25]] * len(self._names))
        frame = self._frame(2, [], rows.tobytes())
        return ignores_names(self._model, self._names) and answers_alike(self._predict, frame)

    def _predict(self, data):
        with self._set_context(self._make_context(**self._context)):
            return self._model._predict_fn(data, **self._arguments)

    def score(self, header, body):
        """One answer for each of the requests whose rows are joined in the columns.

        None where that fails, or where rows of several requests cannot be told apart in what the model gives: then
        each request is asked the exact way, which has MLflow's own words for what is wrong with it.
        """
        sizes = header["parts"]
        try:
            rows = sum(sizes)
            data = self._read(body, rows) if self._takes_arrays else self._frame(rows, header["texts"], body)
            predictions = self._predict(data)
            if len(sizes) == 1:
                return [(200, JSON_TYPE, self._write(predictions))]
            if not self._is_by_row(predictions, rows):
                return None
            return [(200, JSON_TYPE, text) for text in self._write_parts(predictions, sizes)]
        except Exception:
            return None

    def _is_by_row(self, predictions, rows):
        kinds = (self._numpy.ndarray, self._pandas.DataFrame, self._pandas.Series, list)
        return isinstance(predictions, kinds) and len(predictions) == rows

    def _write_parts(self, predictions, sizes):
        if isinstance(predictions, self._numpy.ndarray) and predictions.dtype.kind in "biuf":
            predictions = predictions.tolist()
        take = getattr(predictions, "iloc", predictions)
        start, texts = 0, []
        for size in sizes:
            texts.append(self._write(take[start : start + size]))
            start += size
        return texts

    def _write(self, predictions):
        output = io.StringIO()
        self._server.predictions_to_json(predictions, output)
        return output.getvalue()

    def _read(self, body, rows):
        """The numbers, which come column after column."""
        return self._numpy.frombuffer(body, dtype="<f8").reshape(-1, rows).T

    def _frame(self, rows, texts, body):
        """`texts` are the columns of type string, `body` holds all others."""
        numbers = self._read(body, rows)
        if self._is_matrix:
            return self._pandas.DataFrame(numbers, columns=self._index, copy=False)
        remaining_texts, remaining_numbers = iter(texts), iter(numbers.T)
        return self._pandas.DataFrame({
            name: next(remaining_texts)
            if kind == "string"
            else next(remaining_numbers).astype(dtype)
            for name, kind, dtype in zip(self._names, self._types, self._dtypes)
        })

    def _validate(self, frame):
        from mlflow.pyfunc import _validate_prediction_input

        schema = None if frame is None else self._schema
        flavor = self._model.loader_module
        return _validate_prediction_input(frame, None, schema, None, flavor)

    def is_exact(self):
        kinds = [EXAMPLES[kind] for kind in self._types]
        rows = [[kind[row] for kind in kinds] for row in range(2)]
        split = {"dataframe_split": {"columns": self._names, "data": rows}}
        exact = self._validate(self._server.infer_and_parse_data(split, self._schema))[0]
        columns = list(zip(*rows))
        numbers = [column for kind, column in zip(self._types, columns) if kind != "string"]
        texts = [list(column) for kind, column in zip(self._types, columns) if kind == "string"]
        body = bytearray(self._numpy.array(numbers, dtype="<f8").tobytes())
        made = self._frame(2, texts, body)
        self._pandas.testing.assert_frame_equal(made, exact, check_exact=True, check_column_type=True)
        ours, theirs = made.to_numpy().flags, exact.to_numpy().flags
        return ours.f_contiguous == theirs.f_contiguous and type(made.index) is type(exact.index)


EXAMPLES = {
    "boolean": [True, False],
    "integer": [7, -3],
    "long": [9, -5_000_000_000],
    "float": [0.5, -1.25],
    "double": [0.1, -1e300],
    "string": ["a", "\u00e9"],
}


def read_dependencies(metadata):
    """What MLflow tells of retrievers and the like to those who trace predictions."""
    schemas = (metadata.metadata or {}).get("dependencies_schemas")
    if schemas is None:
        return {}
    return {"dependencies_schemas": {name: json.dumps(schema) for name, schema in schemas.items()}}


def find_column_scorer(model, scoring_server):
    """None where the exact way is the only one: for all but plain columns, for params."""
    try:
        from mlflow.pyfunc import PyFuncModel

        metadata = model.metadata
        is_hinted = metadata._is_signature_from_type_hint() or metadata._is_type_hint_from_example()
        if type(model) is not PyFuncModel or is_hinted:
            return None
        if metadata.get_params_schema() is not None:
            return None
        scorer = ColumnScorer(model, scoring_server)
        return scorer if scorer.is_exact() else None
    except Exception:
        return None
