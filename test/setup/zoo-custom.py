"""Saves models of one's own code, each kind that MLflow knows, and a chain, into the folder that is named."""

import os
import sys
import tempfile
import warnings
from datetime import datetime

import mlflow
import numpy as np
import pandas as pd
import pydantic
from mlflow.models import ModelSignature
from mlflow.types.schema import Array, ColSpec, DataType, Map, Object, ParamSchema, ParamSpec, Property, Schema

warnings.filterwarnings("ignore")
folder = sys.argv[1]
sources = tempfile.mkdtemp()
text_in = ModelSignature(inputs=Schema([ColSpec("string", "text")]))


def write(name, text):
    path = os.path.join(sources, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


def save(name, model, **more):
    mlflow.pyfunc.save_model(f"{folder}/{name}", python_model=model, pip_requirements=["mlflow"], **more)


class Packed(mlflow.pyfunc.PythonModel):
    """With modules and files of its own, and settings."""

    def load_context(self, context):
        from shouting.words import shout

        self._shout = shout
        with open(context.artifacts["greeting"]) as file:
            self._greeting = file.read().strip()
        self._mark = context.model_config["mark"]

    def predict(self, context, model_input, params=None):
        return [self._shout(f"{self._greeting}, {text}{self._mark}") for text in model_input["text"]]


def save_packed():
    write("shouting/__init__.py", "")
    words = write("shouting/words.py", "def shout(text):\n    return text.upper()\n")
    greeting = write("greeting.txt", "hello\n")
    save(
        "packed",
        Packed(),
        signature=text_in,
        code_paths=[os.path.dirname(words)],
        artifacts={"greeting": greeting},
        model_config={"mark": "?"},
    )


FROM_CODE = """
import mlflow
from mlflow.models import ModelConfig, set_model

class Answering(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        settings = ModelConfig(development_config={"times": 2})
        return model_input.assign(times=settings.get("times"), params=str(params))

set_model(Answering())
"""


def save_from_code():
    params = ParamSchema([
        ParamSpec("top", DataType.long, 3),
        ParamSpec("names", DataType.string, ["x"], shape=(-1,)),
        ParamSpec("since", DataType.datetime, np.datetime64("2024-01-02")),
    ])
    signature = ModelSignature(inputs=Schema([ColSpec("long", "a"), ColSpec("boolean", "b", required=False)]), params=params)
    save("from-code", write("model.py", FROM_CODE), signature=signature, model_config={"times": 5})


class Message(pydantic.BaseModel):
    role: str
    content: str
    weight: float | None = None


class HintedTexts(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str], params=None) -> list[str]:
        return [text[::-1] for text in model_input]


class HintedObjects(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[Message]) -> list[str]:
        return [f"{message.role}: {message.content} {message.weight}" for message in model_input]


class HintedMaps(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[dict[str, list[float]]]) -> list[float]:
        return [sum(sum(values) for values in one.values()) for one in model_input]


class HintedFrame(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return model_input.assign(rows=len(model_input))


class HintedDates(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[datetime]) -> list[str]:
        return [day.isoformat() for day in model_input]


def double(model_input: list[int]) -> list[int]:
    return [number * 2 for number in model_input]


def save_hinted():
    save("hinted-texts", HintedTexts())
    save("hinted-objects", HintedObjects())
    save("hinted-maps", HintedMaps())
    save("hinted-dates", HintedDates())
    save("hinted-frame", HintedFrame(), signature=text_in)
    save("hinted-function", double, input_example=[1, 2])


class FromExample(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: mlflow.types.type_hints.TypeFromExample):
        return [f"{type(model_input).__name__} {type(one).__name__} {one}" for one in model_input]


def save_from_example():
    save("from-example", FromExample(), input_example=["a", "b"])


class Typed(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        shown = {name: [repr(value) for value in column] for name, column in model_input.items()}
        return pd.DataFrame(shown).assign(types=str(model_input.dtypes.astype(str).to_dict()))


def save_typed():
    """Types of columns that only the exact way knows."""
    inputs = Schema([
        ColSpec("datetime", "day", required=False),
        ColSpec("binary", "bytes", required=False),
        ColSpec(Array(Array(DataType.long)), "grid", required=False),
        ColSpec(Map(DataType.double), "map", required=False),
        ColSpec(Object([Property("a", DataType.string), Property("b", Array(DataType.boolean), required=False)]), "object", required=False),
        ColSpec("long", "whole", required=False),
    ])
    save("typed", Typed(), signature=ModelSignature(inputs=inputs))


class Answering(mlflow.pyfunc.PythonModel):
    """Answers with all that JSON can hold."""

    def predict(self, context, model_input, params=None):
        import numpy

        kind = model_input["text"].iloc[0]
        return {
            "dict": {"a": [1, None, float("nan")], "b": {"c": "d"}},
            "text": "only text",
            "none": None,
            "number": 3.5,
            "numpy": numpy.array([[1.5, float("inf")], [2, 3]]),
            "numpy-text": numpy.array(["a", "b"]),
            "numpy-bytes": numpy.array([b"a", b"\xff"]),
            "days": pd.DataFrame({"day": pd.to_datetime(["2024-01-01", None])}),
            "series": pd.Series([1.0, None, 3.0], name="s", index=[5, 6, 7]),
            "objects": [{"role": "user"}, Message(role="a", content="b")],
            "set": {1},
            "tuple": (1, 2),
            "complex": [1j],
            "iterator": iter([1, 2]),
            "big": [2**70, 1e300],
            "nested-frame": {"frame": pd.DataFrame({"a": [1]})},
        }[kind]


def save_answering():
    save("answering", Answering(), signature=text_in)


class Chat(mlflow.pyfunc.ChatModel):
    def predict(self, context, messages, params):
        from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage

        text = f"{messages[-1].content} at {params.temperature}"
        choice = ChatChoice(index=0, message=ChatMessage(role="assistant", content=text))
        return ChatCompletionResponse(choices=[choice], model="chat", created=7)


class ChatAgent(mlflow.pyfunc.ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse

        text = f"{messages[-1].content} {custom_inputs}"
        return ChatAgentResponse(messages=[ChatAgentMessage(role="assistant", content=text, id="1")])


class Responses(mlflow.pyfunc.ResponsesAgent):
    def predict(self, request):
        from mlflow.types.responses import ResponsesAgentResponse

        text = self.create_text_output_item(text=str(request.input[-1].content), id="1")
        return ResponsesAgentResponse(output=[text], custom_outputs=request.custom_inputs)

    def predict_stream(self, request):
        yield from ()


def save_agents():
    save("chat", Chat())
    save("chat-agent", ChatAgent())
    save("responses", Responses())


CHAIN = """
from langchain_core.prompts import PromptTemplate
from langchain_core.runnables import RunnableLambda
import mlflow

chain = PromptTemplate.from_template("Why is {thing} so {how}?") | RunnableLambda(lambda prompt: prompt.to_string().upper())
mlflow.models.set_model(chain)
"""
CHAT_CHAIN = """
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
import mlflow

model = FakeListChatModel(responses=["an answer"])
mlflow.models.set_model(ChatPromptTemplate.from_messages([("user", "{question}")]) | model | StrOutputParser())
"""


def save_langchain():
    inputs = Schema([ColSpec("string", "thing"), ColSpec("string", "how")])
    signature = ModelSignature(inputs=inputs, outputs=Schema([ColSpec("string")]))
    for name, signed in [("langchain", signature), ("langchain-unsigned", None)]:
        mlflow.langchain.save_model(
            write("chain.py", CHAIN), f"{folder}/{name}", signature=signed, pip_requirements=["mlflow", "langchain"]
        )
    mlflow.langchain.save_model(
        write("chat.py", CHAT_CHAIN), f"{folder}/langchain-chat", pip_requirements=["mlflow", "langchain"]
    )


save_packed()
save_from_code()
save_hinted()
save_from_example()
save_typed()
save_answering()
save_agents()
save_langchain()
