"""Saves PyTorch, transformers and sentence-transformers models into the folder that is named; their weights are random."""

import os
import sys
import tempfile
import warnings
from types import SimpleNamespace

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.models import infer_signature
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer, pipeline

warnings.filterwarnings("ignore")
folder = sys.argv[1]
torch.manual_seed(0)
rows = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "very", "##ly", "!"]
SMALL = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def save_pytorch():
    # MLflow imports its name though only other formats use it; before torch 2.1 there is none.
    sys.modules.setdefault("torch.export", SimpleNamespace(Dim=None))
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh())
    columns = pd.DataFrame(rows, columns=["a", "b", "c"])
    for name, signed in [
        ("pytorch", infer_signature(columns)),
        ("pytorch-doubles", infer_signature(columns.astype("float64"))),
        ("pytorch-tensor", infer_signature(rows)),
        ("pytorch-unsigned", None),
    ]:
        mlflow.pytorch.save_model(
            model, f"{folder}/{name}", signature=signed, pip_requirements=["mlflow"], serialization_format="pickle"
        )


def make_tokenizer():
    path = os.path.join(tempfile.mkdtemp(), "vocab.txt")
    with open(path, "w") as file:
        file.write("\n".join(WORDS))
    return BertTokenizer(path)


def save_transformers(tokenizer):
    model = BertForSequenceClassification(BertConfig(**SMALL, num_labels=2)).eval()
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, framework="pt", device=-1)
    signature = infer_signature(["very good"], pd.DataFrame({"label": ["a"], "score": [0.5]}), {"top_k": 1})
    for name, signed in [("transformers", None), ("transformers-params", signature)]:
        mlflow.transformers.save_model(classify, f"{folder}/{name}", signature=signed, pip_requirements=["mlflow"])


def save_sentences(tokenizer):
    from sentence_transformers import SentenceTransformer, models

    path = tempfile.mkdtemp()
    BertModel(BertConfig(**SMALL)).eval().save_pretrained(path)
    tokenizer.save_pretrained(path)
    words = models.Transformer(path)
    model = SentenceTransformer(modules=[words, models.Pooling(words.get_word_embedding_dimension())], device="cpu")
    mlflow.sentence_transformers.save_model(model, f"{folder}/sentences", pip_requirements=["mlflow"])


save_pytorch()
tokenizer = make_tokenizer()
save_transformers(tokenizer)
save_sentences(tokenizer)
