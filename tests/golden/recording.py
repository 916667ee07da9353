"""The JSON form in which PyTorch's numbers are recorded; imported before torch.

A tensor is {"dtype": "f64" | "i64", "shape": [...], "data": [...]}, its data flat in row-major order.
Floats have the fewest digits that give the same double back, at most 17; those that are not finite are
the strings "inf", "-inf" and "NaN".
"""

import json
import math
import os
import sys
from pathlib import Path

# Read when torch is loaded: kernels, and so last digits, that do not follow the machine's vector width.
os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

DTYPES = {torch.float64: "f64", torch.int64: "i64"}


def number(value):
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"


def flat(tensor):
    return [number(value) for value in tensor.detach().reshape(-1).tolist()]


def recorded(tensor):
    return {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data": flat(tensor)}


def text(document):
    """One line for each field, and for each element of a field that is a list of objects."""

    def fields(record, indent):
        lines = (f"{indent} {json.dumps(name)}: {value(item, indent + ' ')}" for name, item in record.items())
        return "{\n" + ",\n".join(lines) + "\n" + indent + "}"

    def value(item, indent):
        if not (isinstance(item, list) and item and isinstance(item[0], dict)):
            return json.dumps(item, allow_nan=False)
        if "name" in item[0]:
            lines = (indent + " " + fields(entry, indent + " ") for entry in item)
        else:
            lines = (f"{indent} {json.dumps(entry, allow_nan=False)}" for entry in item)
        return "[\n" + ",\n".join(lines) + "\n" + indent + "]"

    return fields(document, "") + "\n"


def save(script, **body):
    """Writes the JSON file beside `script`, or with --check compares it with what is there."""
    names = [case["name"] for case in body["cases"]]
    assert len(set(names)) == len(names), "two cases have one name"
    made = text({"torch": torch.__version__.split("+")[0], "dtype": "float64", **body})
    path = Path(script).with_suffix(".json")
    if "--check" not in sys.argv[1:]:
        path.write_text(made, encoding="utf-8", newline="\n")
        print(f"{path.name}: {len(names)} cases, {len(made)} bytes")
    elif path.read_bytes() == made.encode():
        print(f"{path.name}: the same, byte for byte")
    else:
        sys.exit(f"{path.name}: differs from what {Path(script).name} makes")
