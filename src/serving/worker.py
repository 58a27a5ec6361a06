"""Loads one MLflow model and answers requests that come over descriptor 3.

A frame is two unsigned 32-bit lengths (little-endian), a header in JSON and a body; `frame.ts` has the other
end. The first frame that we send says that the model is ready, or why it could not be loaded. Then each frame
that comes is answered by one, until the other end closes. It holds either the body of one request, as it came,
or the columns of one or several requests, which have been read and checked against the signature already.
"""

import ctypes
import gc
import json
import os
import signal
import socket
import struct
import sys
import traceback

from mlts_quick import JSON_TYPE, find_column_scorer
from mlts_start import import_mlflow

CHANNEL = 3
LENGTHS = struct.Struct("<II")


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


def describe_error(error):
    """What Python says of an error that is being handled; `module` is what it did not find."""
    return {
        "error": "".join(traceback.format_exception_only(type(error), error)).strip(),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "traceback": traceback.format_exc(),
    }


def load(channel, model_path):
    try:
        import_mlflow()
        from mlflow.pyfunc import scoring_server

        read = getattr(scoring_server, "load_model_with_mlflow_config", scoring_server.load_model)
        model = read(model_path)
        exact = ExactScorer(model, scoring_server)
    except BaseException as error:
        channel.send({"kind": "failed", **describe_error(error)})
        sys.exit(1)
    return exact, None if is_flask(scoring_server) else find_column_scorer(model, scoring_server)


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
    # Modules of a model are not to be found beside this file.
    sys.path.pop(0)
    channel = Channel()
    exact, columns = load(channel, sys.argv[1])
    import mlflow

    # Hundreds of thousands of objects that stay: to look through them for garbage holds up a request for 60 ms each time.
    gc.freeze()
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
