"""Loads one MLflow model and answers requests that come over descriptor 3.

A frame is two unsigned 32-bit lengths (little-endian), a header in JSON and a body; `frame.ts` has the other
end. The first frame that we send says that the model is ready, or why it could not be loaded. Then each frame
that comes is answered by one, until the other end closes. It holds either the body of one request, as it came,
or the columns of one or several requests, which have been read and checked against the signature already.
"""

import ctypes
import inspect
import io
import json
import os
import signal
import socket
import struct
import sys
import traceback

CHANNEL = 3
LENGTHS = struct.Struct("<II")
JSON_TYPE = "application/json"


class Channel:
    def __init__(self):
        self._socket = socket.socket(fileno=CHANNEL)
        # What the model starts must not hold the socket open when we are gone.
        self._socket.set_inheritable(False)
        self._incoming = self._socket.makefile("rb", buffering=1 << 16)

    def receive(self):
        """The next header and body; None when the other end has closed."""
        lengths = self._incoming.read(LENGTHS.size)
        if len(lengths) < LENGTHS.size:
            return None
        header_size, body_size = LENGTHS.unpack(lengths)
        header = json.loads(self._incoming.read(header_size))
        # Models may write into the array that is made of it.
        body = bytearray(body_size)
        return (header, body) if self._incoming.readinto(body) == body_size else None

    def send(self, header, body=b""):
        text = json.dumps(header).encode()
        self._socket.sendall(LENGTHS.pack(len(text), len(body)) + text + body)

    def send_answers(self, answers):
        """Each is a status, a media type and a text."""
        bodies = [text.encode() if isinstance(text, str) else text for _, _, text in answers]
        parts = [
            {"status": status, "mediaType": media_type, "size": len(body)}
            for (status, media_type, _), body in zip(answers, bodies)
        ]
        self.send({"parts": parts}, b"".join(bodies))


class ExactScorer:
    """Hands bodies to MLflow's own scoring server, whichever version the model's environment has."""

    def __init__(self, model, scoring_server):
        self._model = model
        self._score = self._choose(scoring_server)

    def score(self, header, body):
        return [answer_errors(lambda: self._score(header["contentType"], bytes(body)))]

    def _choose(self, scoring_server):
        """Since MLflow 2.20 a function has all of it; before, some of it is in a Flask application."""
        if is_flask(scoring_server):
            client = scoring_server.init(self._model).test_client()
            return lambda content_type, body: ask_flask(client, content_type, body)
        schema = self._model.metadata.get_input_schema()
        os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"

        def score(content_type, body):
            answer = scoring_server.invocations(body, content_type, self._model, schema)
            return answer.status, answer.mimetype, answer.response

        return score


def is_flask(scoring_server):
    return hasattr(scoring_server, "flask")


def ask_flask(client, content_type, body):
    answer = client.post("/invocations", data=body, content_type=content_type)
    return answer.status_code, answer.mimetype, answer.get_data()


def answer_errors(score):
    """What `score` returns, or the answer that MLflow's server gives to what it raises."""
    from mlflow.exceptions import MlflowException

    try:
        return score()
    except MlflowException as error:
        return error.get_http_status_code(), JSON_TYPE, error.serialize_as_json()
    except Exception:
        # As the web server around MLflow's answers what nobody has foreseen.
        traceback.print_exc()
        return 500, "text/plain", "Internal Server Error"


class ColumnScorer:
    """Calls the flavor's own `predict` on a DataFrame that is made straight from columns, as `PyFuncModel.predict`
    does when it has checked its input.

    It is the DataFrame that MLflow would have made of the same request: `is_exact` makes sure of that when the
    model is loaded, by having one made both ways.
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

    def score(self, header, body):
        """One answer for each of the requests whose rows are joined in the columns.

        None where that fails, or where rows of several requests cannot be told apart in what the model gives: then
        each request is asked the exact way, which has MLflow's own words for what is wrong with it.
        """
        sizes = header["parts"]
        try:
            frame = self._frame(sum(sizes), header["texts"], body)
            with self._set_context(self._make_context(**self._context)):
                predictions = self._model._predict_fn(frame, **self._arguments)
            if len(sizes) == 1:
                return [(200, JSON_TYPE, self._write(predictions))]
            if not self._is_by_row(predictions, sum(sizes)):
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

    def _frame(self, rows, texts, body):
        """`body` holds the numbers, column after column; `texts` the columns of type string."""
        numbers = self._numpy.frombuffer(body, dtype="<f8").reshape(-1, rows)
        if self._is_matrix:
            return self._pandas.DataFrame(numbers.T, columns=self._index, copy=False)
        remaining_texts, remaining_numbers = iter(texts), iter(numbers)
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
    """None where the exact way is the only one: for all but plain columns, for params, for old MLflow."""
    try:
        from mlflow.pyfunc import PyFuncModel

        metadata = model.metadata
        is_hinted = metadata._is_signature_from_type_hint() or metadata._is_type_hint_from_example()
        if is_flask(scoring_server) or type(model) is not PyFuncModel or is_hinted:
            return None
        if metadata.get_params_schema() is not None:
            return None
        scorer = ColumnScorer(model, scoring_server)
        return scorer if scorer.is_exact() else None
    except Exception:
        return None


def describe_error(error):
    """What Python says of an error that is being handled; `module` is what it did not find."""
    return {
        "error": "".join(traceback.format_exception_only(type(error), error)).strip(),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "traceback": traceback.format_exc(),
    }


def load(channel, model_path):
    try:
        from mlflow.pyfunc import scoring_server

        read = getattr(scoring_server, "load_model_with_mlflow_config", scoring_server.load_model)
        model = read(model_path)
        exact = ExactScorer(model, scoring_server)
    except BaseException as error:
        channel.send({"kind": "failed", **describe_error(error)})
        sys.exit(1)
    return exact, find_column_scorer(model, scoring_server)


def serve(channel, exact, columns):
    while (request := channel.receive()) is not None:
        header, body = request
        scorer = columns if header["kind"] == "columns" else exact
        answers = scorer.score(header, body)
        if answers is None:
            channel.send({"parts": None})
        else:
            channel.send_answers(answers)


def end_with_parent():
    """Nobody is left to answer when the server is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main():
    # Ctrl-C and the like are the server's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    channel = Channel()
    exact, columns = load(channel, sys.argv[1])
    import mlflow

    channel.send({
        "kind": "ready",
        "mlflow": mlflow.__version__,
        "python": sys.version.split()[0],
        "takesColumns": columns is not None,
    })
    serve(channel, exact, columns)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
