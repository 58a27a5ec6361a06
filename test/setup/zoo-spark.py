"""Saves a Spark pipeline into the folder that is named."""

import sys
import warnings

import mlflow
from mlflow.models import infer_signature
from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import SparkSession

warnings.filterwarnings("ignore")
folder = sys.argv[1]
session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
rows = session.createDataFrame([(1.0, 2.0, 5.0), (2.0, 1.0, 4.0), (4.0, 8.0, 20.0)], ["a", "b", "answer"])
steps = [VectorAssembler(inputCols=["a", "b"], outputCol="features"), LinearRegression(labelCol="answer")]
model = Pipeline(stages=steps).fit(rows)
plain = rows.select("a", "b").toPandas()
mlflow.spark.save_model(
    model, f"{folder}/spark", signature=infer_signature(plain), pip_requirements=["mlflow", "pyspark"]
)
