"""Loads one MLflow model and answers requests that come over descriptor 3.

A frame is two unsigned 32-bit lengths (little-endian), a header in JSON and a body; `frame.ts` has the other
end. The first frame that we send says that the model is ready, or why it could not be loaded. Then each
request is answered by one frame, one after the other, until the other end closes.
"""

import ctypes
import inspect
import json
import os
import signal
import socket
import struct
import sys
import traceback

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
        body = self._incoming.read(body_size)
        return (header, body) if len(body) == body_size else None

    def send(self, header, body=b""):
        text = json.dumps(header).encode()
        self._socket.sendall(LENGTHS.pack(len(text), len(body)) + text + body)


class ExactScorer:
    """Hands bodies to MLflow's own scoring server, whichever version the model's environment has."""

    def __init__(self, model_path):
        from mlflow.pyfunc import scoring_server

        load = getattr(scoring_server, "load_model_with_mlflow_config", scoring_server.load_model)
        self.model = load(model_path)
        self._score = self._choose(scoring_server)

    def score(self, content_type, body):
        """Status, media type and body, as MLflow's server would answer."""
        from mlflow.exceptions import MlflowException

        try:
            return self._score(content_type, body)
        except MlflowException as error:
            return error.get_http_status_code(), "application/json", error.serialize_as_json()
        except Exception:
            # As the web server around MLflow's answers what nobody has foreseen.
            traceback.print_exc()
            return 500, "text/plain", "Internal Server Error"

    def _choose(self, scoring_server):
        """MLflow 2.3 and later have a function for it; before, it is inside of a Flask application."""
        invocations = getattr(scoring_server, "invocations", None)
        if invocations is None or len(inspect.signature(invocations).parameters) != 4:
            client = scoring_server.init(self.model).test_client()
            return lambda content_type, body: ask_flask(client, content_type, body)
        schema = self.model.metadata.get_input_schema()
        os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"

        def score(content_type, body):
            answer = invocations(body, content_type, self.model, schema)
            return answer.status, answer.mimetype, answer.response

        return score


def ask_flask(client, content_type, body):
    answer = client.post("/invocations", data=body, content_type=content_type)
    return answer.status_code, answer.mimetype, answer.get_data()


def load(channel, model_path):
    try:
        scorer = ExactScorer(model_path)
    except BaseException as error:
        channel.send({
            "kind": "failed",
            "error": "".join(traceback.format_exception_only(type(error), error)).strip(),
            "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
            "traceback": traceback.format_exc(),
        })
        sys.exit(1)
    import mlflow

    channel.send({"kind": "ready", "mlflow": mlflow.__version__, "python": sys.version.split()[0]})
    return scorer


def serve(channel, scorer):
    while (request := channel.receive()) is not None:
        header, body = request
        status, media_type, answer = scorer.score(header["contentType"], body)
        encoded = answer.encode() if isinstance(answer, str) else answer
        channel.send({"status": status, "mediaType": media_type}, encoded)


def end_with_parent():
    """Nobody is left to answer when the server is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main():
    # Ctrl-C and the like are the server's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    channel = Channel()
    serve(channel, load(channel, sys.argv[1]))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
