"""Which models may be given an array in place of a DataFrame with the same numbers."""

import warnings


def ignores_names(model, names):
    """Whether nothing but a check depends on the names of the columns: scikit-learn's own estimators compare them with
    those that they were fitted with, which takes longer than many a prediction. Pipelines, searches and all others
    that hand the DataFrame on are left out: there columns may be chosen by name."""
    wrapper = model._model_impl
    if type(wrapper).__module__ != "mlflow.sklearn":
        return False
    estimator = wrapper.sklearn_model
    if not type(estimator).__module__.startswith("sklearn."):
        return False
    if any(may_predict(value) for value in estimator.get_params(deep=False).values()):
        return False
    fitted = getattr(estimator, "feature_names_in_", None)
    return fitted is None or list(fitted) == list(names)


def may_predict(parameter):
    """Lists are those of the steps of a pipeline, and the like."""
    return hasattr(parameter, "fit") or isinstance(parameter, (list, tuple))


def answers_alike(predict, frame):
    """Whether that is true of these rows."""
    import numpy

    # The names have been compared.
    warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
    try:
        by_names, by_places = predict(frame), predict(frame.to_numpy())
    except Exception:
        return False
    return (
        isinstance(by_names, numpy.ndarray)
        and type(by_places) is type(by_names)
        and by_places.dtype == by_names.dtype
        and numpy.array_equal(by_names, by_places)
    )
