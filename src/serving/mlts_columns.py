"""What pandas makes of the columns of a chunk, and of those of the whole file: it guesses their types from all that it
reads at once."""

import re


class Unfit(Exception):
    """Chunks would not give what the whole file gives; or not with these types of columns."""

    def __init__(self, kind, reason):
        super().__init__(reason)
        self.kind = kind


def describe_columns(data):
    """Name and kind of each column, the kind being its dtype and, where that says little, what is in it."""
    import pandas

    if not isinstance(data, pandas.DataFrame):
        return None
    return {
        "index": "" if isinstance(data.index, pandas.RangeIndex) else f"{data.index.nlevels} {data.index.dtype}",
        "columns": [[name, find_kind(data.iloc[:, place])] for place, name in enumerate(data.columns)],
    }


def find_kind(column):
    from pandas.api.types import infer_dtype

    dtype = str(column.dtype)
    if dtype in ("object", "str") and keeps_gaps(column):
        return "object:mixed with large integers"
    if dtype == "object":
        return f"object:{infer_dtype(column, skipna=True)}"
    if dtype == "float64" and len(column) > 0 and column.isna().all():
        return "float64:empty"
    return dtype


INTEGER = re.compile(r"\s*[+-]?\d+\s*")
LARGE = range(2**63, 2**64)


def keeps_gaps(column):
    """Whether it holds integers and gaps only, and one that needs 64 bits without a sign: there pandas leaves gaps as
    the text that they are, but not where it finds anything else in the same column."""
    is_large = False
    for cell in column:
        if not isinstance(cell, str):
            continue
        if INTEGER.fullmatch(cell):
            is_large = is_large or int(cell) in LARGE
        elif cell not in find_gaps():
            return False
    return is_large


def find_gaps():
    """What pandas takes for a gap."""
    from pandas._libs.parsers import STR_NA_VALUES

    return STR_NA_VALUES


def widen(one, other):
    """The kind of a column of which one part is of this kind and another of that; Unfit where pandas would have
    made something of the whole column that cannot be told from its parts."""
    kinds = {one, other}
    if "mixed" not in one and kinds == {one}:
        return one
    if kinds <= {"int64", "float64", "float64:empty"}:
        return "float64"
    for full, partial in WIDER.items():
        if kinds <= {full, *partial}:
            return full
    raise Unfit("whole", f"holds {one} and {other}")


# An empty part, or one without gaps, takes the kind of the rest.
WIDER = {
    "object:boolean": ["bool", "float64:empty", "object:empty"],
    "object:string": ["float64:empty", "object:empty"],
    "str": ["float64:empty"],
    "object:empty": ["float64:empty"],
}


def join_columns(one, other):
    """What two parts of a file have together."""
    if one is None or other is None:
        if one is other:
            return None
        raise Unfit("whole", "the input is not always a table")
    names = [[name for name, _ in part["columns"]] for part in (one, other)]
    if names[0] != names[1] or one["index"] != other["index"]:
        raise Unfit("whole", "the columns are not always the same")
    joined = []
    for (name, kind), (_, more) in zip(one["columns"], other["columns"]):
        try:
            joined.append([name, widen(kind, more)])
        except Unfit as error:
            raise Unfit("whole", f"column `{name}` {error}") from None
    return {"index": one["index"], "columns": joined}


def fit(data, found, agreed):
    """The data with the types that the whole file has. Unfit where they are not wide enough for this part."""
    if agreed is None:
        join_columns(found, found)
        return data
    if join_columns(agreed, found) != agreed:
        raise Unfit("types", "other types than before")
    if found is None:
        return data
    dtypes = {name: kind.split(":")[0] for name, kind in agreed["columns"]}
    return data.astype({name: dtype for name, dtype in dtypes.items() if str(data[name].dtype) != dtype})
