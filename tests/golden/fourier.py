"""Records what NumPy and SciPy make of discrete Fourier transforms and windows, in fourier.json.

{"numpy": version, "scipy": version,
 "cases": [{"name": ..., "op": ..., "n": null | int | [int, ...], "axes": [int, ...], "norm": "backward" | "ortho" | "forward",
            "x": TENSOR, "y": TENSOR}],
 "spectra": [{"name": ..., "size": int, "hop": int, "window": TENSOR, "center": bool, "normalized": bool, "x": TENSOR, "y": TENSOR}],
 "windows": [{"name": "hann" | "hamming" | "blackman" | "bartlett", "n": int, "periodic": bool, "y": TENSOR}]}

TENSOR is {"shape": [...], "data": [...]}, flat in row-major order; complex numbers are pairs along a last axis of length 2. Numbers have
15 digits. With --check the file is compared, number by number, and not written: the last digits follow NumPy's vector width.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy.signal import get_window


def numbers(name, *shape):
    stream = random.Random(name).random  # the one stream Python promises not to change
    return np.array([round(4 * stream() - 2, 2) for _ in range(int(np.prod(shape)))]).reshape(shape)


def complex_numbers(name, *shape):
    pairs = numbers(name, *shape, 2)
    return pairs[..., 0] + 1j * pairs[..., 1]


def tensor(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        x = np.stack([x.real, x.imag], -1)
    return {"shape": list(x.shape), "data": [float(f"{v:.15g}") + 0.0 for v in x.reshape(-1).tolist()]}


def transforms():
    def case(op, variant, shape, n=None, axes=(-1,), norm="backward"):
        name = f"{op}/{variant}"
        x = numbers(name, *shape) if op.startswith("rfft") else complex_numbers(name, *shape)
        several = op.endswith("n")
        y = getattr(np.fft, op)(x, n, axes if several else axes[0], norm)
        return {"name": name, "op": op, "n": n, "axes": list(axes), "norm": norm, "x": tensor(x), "y": tensor(y)}

    for op in ["fft", "ifft", "rfft", "irfft"]:
        for n in [2, 3, 4, 5, 8, 12, 13, 30, 37]:
            yield case(op, f"length_{n}", [n])
        yield case(op, "cut", [6], n=4)
        yield case(op, "filled", [3], n=7)
        yield case(op, "first_axis", [4, 3], axes=(0,))
        yield case(op, "middle_axis", [2, 5, 3], axes=(1,))
        yield case(op, "odd", [4], n=7)
        for norm in ["ortho", "forward"]:
            yield case(op, norm, [2, 6], norm=norm)
    for op in ["fftn", "ifftn", "rfftn", "irfftn"]:
        yield case(op, "two", [3, 4], axes=(0, 1))
        yield case(op, "other_order", [3, 4], axes=(1, 0))
        yield case(op, "three", [2, 3, 4], axes=(0, 1, 2), norm="ortho")
        yield case(op, "lengths", [3, 4, 2], n=[5, 3], axes=(0, 1))


def spectra():
    for name, length, size, hop, width, center, normalized in [
        ("plain", 16, 8, 2, 8, False, False),
        ("centred", 16, 8, 2, 8, True, False),
        ("odd", 20, 5, 3, 5, True, False),
        ("short_window", 20, 8, 4, 5, True, False),
        ("normalized", 12, 6, 1, 6, True, True),
    ]:
        x, window = numbers(name, length), get_window("hann", width, fftbins=True)
        left = (size - width) // 2
        frame = np.pad(window, (left, size - width - left))
        signal = np.pad(x, size // 2, mode="reflect") if center else x
        frames = np.lib.stride_tricks.sliding_window_view(signal, size)[::hop] * frame
        y = np.fft.rfft(frames, norm="ortho" if normalized else "backward").T
        yield {
            "name": name, "size": size, "hop": hop, "window": tensor(window), "center": center,
            "normalized": normalized, "x": tensor(x), "y": tensor(y),
        }  # fmt: skip


def windows():
    for name in ["hann", "hamming", "blackman", "bartlett"]:
        for n in [1, 2, 5, 8]:
            for periodic in [True, False]:
                yield {"name": name, "n": n, "periodic": periodic, "y": tensor(get_window(name, n, fftbins=periodic))}


def close(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close, a, b))
    return abs(a - b) < 1e-13 if isinstance(a, float) and isinstance(b, float) else a == b


made = {"numpy": np.__version__, "scipy": scipy.__version__}
made |= {"cases": list(transforms()), "spectra": list(spectra()), "windows": list(windows())}
path = Path(__file__).with_suffix(".json")
if "--check" not in sys.argv[1:]:
    fields = [f" {json.dumps(key)}: {json.dumps(made[key])}" for key in ["numpy", "scipy"]]
    for key in ["cases", "spectra", "windows"]:
        fields.append(f" {json.dumps(key)}: [\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in made[key]) + "\n ]")
    path.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8", newline="\n")
    print(f"{path.name}: {len(made['cases'])} transforms, {path.stat().st_size} bytes")
elif close(json.loads(path.read_text()), made):
    print(f"{path.name}: the same")
else:
    sys.exit(f"{path.name}: differs from what {Path(__file__).name} makes")
