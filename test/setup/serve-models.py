"""MLflow's own scoring server on the port that is named, with models of a folder, each below its name."""

import sys
import uvicorn
from fastapi import FastAPI
from mlflow.pyfunc import load_model, scoring_server
app = FastAPI()
app.get("/health")(lambda: "ok")
for name in sys.argv[3:]:
    app.mount("/" + name, scoring_server.init(load_model(sys.argv[2] + "/" + name)))
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
