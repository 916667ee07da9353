"""Records what PyTorch's layers, losses, pooling and softmax compute, in layers.json.

{"torch": version, "dtype": "float64",
 "cases": [{"name": "op/variant", "op": ..., "args": {...},
            "inputs": {name: TENSOR}, "outputs": {"y": TENSOR, ...},
            "cotangent": TENSOR, "grads": {name: TENSOR}}]}

TENSOR is described in recording.py; of dtype "i64" are only the indices of `embedding` and the class indices of
`cross_entropy`. The cotangent has the shape of y, and grads hold the gradient of sum(y * cotangent) with respect to
each input named there. An input that a layer does without (a bias, say) is absent. The ops, their inputs and args:

  linear         x [..., in], weight [out, in], bias [out]; y = x weight^T + bias
  conv2d         x [n, c, h, w], weight [out, c / groups, kh, kw], bias [out];
                 stride, padding, dilation: each [rows, columns]; groups
  batch_norm     x [n, c, ...], weight [c], bias [c], running_mean [c], running_var [c]; training, momentum, eps
                 The outputs running_mean and running_var are those after the call:
                 (1 - momentum) * old + momentum * the batch's, its variance divided by (count - 1) here,
                 by count where it normalises.
                 The cases .../1_train, 2_train and 3_eval are one layer called three times, from a new layer's
                 zeros and ones on; each case's running inputs are the outputs of the case before.
  layer_norm     x, weight, bias; normalized_shape, eps
  embedding      weight [rows, width], indices; y = weight[indices]
  cross_entropy  logits [n, c] or [n, c, ...], target (class indices [n, ...], or probabilities shaped as logits),
                 weight [c]; reduction "mean" | "sum" | "none", ignore_index, label_smoothing
  mse_loss       x, target; reduction
  max_pool2d     x [n, c, h, w]; kernel_size, stride, padding, dilation: each [rows, columns]; ceil_mode
  avg_pool2d     x [n, c, h, w]; kernel_size, stride, padding: each [rows, columns]; ceil_mode, count_include_pad
  softmax        x; dim
  log_softmax    x; dim
  logsumexp      x; dim (one axis), keepdim
"""

import random
from functools import partial

from recording import recorded, save  # before torch: it sets what torch reads when loaded

import torch
import torch.nn.functional as F

CASES = []

OPS = {
    "linear": F.linear,
    "conv2d": F.conv2d,
    "layer_norm": F.layer_norm,
    "embedding": lambda weight, indices: F.embedding(indices, weight),
    "cross_entropy": lambda logits, target, **rest: F.cross_entropy(logits, target, **rest),
    "mse_loss": F.mse_loss,
    "max_pool2d": F.max_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "softmax": F.softmax,
    "log_softmax": F.log_softmax,
    "logsumexp": torch.logsumexp,
}


class Draw:
    """Numbers of few digits, from a stream that belongs to one case."""

    def __init__(self, name):
        self.random = random.Random(name).random  # the one stream Python promises not to change

    def uniform(self, *shape, low=-2.0, high=2.0, digits=2):
        count = torch.Size(shape).numel()
        values = [round(low + (high - low) * self.random(), digits) for _ in range(count)]
        return torch.tensor(values).reshape(shape)

    def distinct(self, *shape):
        """No two alike, so that a maximum stands in one place."""
        count = torch.Size(shape).numel()
        order = sorted(range(count), key=lambda _: self.random())
        return torch.tensor([(2 * rank - count) / 16 for rank in order]).reshape(shape)


def record(op, variant, args, inputs, wrt, extra_outputs=None, call=None):
    """Adds a case: `call` (else the op's function) on the inputs, and the gradients with respect to `wrt`."""
    name = f"{op}/{variant}"
    tensors = {key: value.clone().requires_grad_(key in wrt) for key, value in inputs.items()}
    y = (call or OPS[op])(**renamed(op, tensors), **args)
    cotangent = Draw(f"{name}/cotangent").uniform(*y.shape)
    grads = torch.autograd.grad(y, [tensors[key] for key in wrt], cotangent)
    outputs = {"y": y, **(extra_outputs() if extra_outputs else {})}
    CASES.append(
        {
            "name": name,
            "op": op,
            "args": args,
            "inputs": {key: recorded(value) for key, value in inputs.items()},
            "outputs": {key: recorded(value) for key, value in outputs.items()},
            "cotangent": recorded(cotangent),
            "grads": {key: recorded(value) for key, value in zip(wrt, grads)},
        }
    )


def renamed(op, tensors):
    """PyTorch calls the first operand `input`; embedding and cross_entropy are given their own names above."""
    if op in ("embedding", "cross_entropy"):
        return tensors
    return {"input" if key == "x" else key: value for key, value in tensors.items()}


def linear():
    for variant, shape, bias in [
        ("matrix", [4, 3], True),
        ("without_bias", [4, 3], False),
        ("vector", [3], True),
        ("batched", [2, 2, 3], True),
    ]:
        draw = Draw(f"linear/{variant}")
        inputs = {"x": draw.uniform(*shape), "weight": draw.uniform(2, 3)}
        if bias:
            inputs["bias"] = draw.uniform(2)
        record("linear", variant, {}, inputs, wrt=list(inputs))


def conv2d():
    def case(variant, x, weight, bias=True, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
        draw = Draw(f"conv2d/{variant}")
        inputs = {"x": draw.uniform(*x), "weight": draw.uniform(*weight)}
        if bias:
            inputs["bias"] = draw.uniform(weight[0])
        args = {"stride": list(stride), "padding": list(padding), "dilation": list(dilation), "groups": groups}
        record("conv2d", variant, args, inputs, wrt=list(inputs))

    case("plain", [2, 2, 4, 4], [3, 2, 3, 3])
    case("without_bias", [1, 1, 4, 3], [2, 1, 2, 2], bias=False)
    case("stride", [1, 2, 5, 6], [2, 2, 3, 3], stride=(2, 2))
    case("padding", [1, 2, 3, 4], [2, 2, 3, 3], padding=(1, 1))
    case("dilation", [1, 2, 5, 6], [2, 2, 2, 2], dilation=(2, 2))
    case("groups", [2, 4, 3, 3], [6, 2, 2, 2], groups=2)
    case("depthwise", [1, 3, 3, 4], [6, 1, 2, 2], groups=3)
    case("pointwise", [2, 3, 2, 2], [2, 3, 1, 1])
    case("unlike_axes", [1, 1, 6, 7], [2, 1, 2, 3], stride=(1, 2), padding=(0, 1), dilation=(2, 1))
    case("together", [2, 4, 6, 6], [2, 2, 3, 3], stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2)


def batch_norm():
    def layer(variant, channels, shapes, momentum, eps, affine=True):
        running = {"running_mean": torch.zeros(channels), "running_var": torch.ones(channels)}
        draw = Draw(f"batch_norm/{variant}")
        affinity = {}
        if affine:
            affinity = {"weight": draw.uniform(channels, low=0.5), "bias": draw.uniform(channels)}
        for step, shape in zip(["1_train", "2_train", "3_eval"], shapes):
            inputs = {"x": draw.uniform(*shape), **affinity, **running}
            after = {key: value.clone() for key, value in running.items()}

            def call(input, running_mean, running_var, weight=None, bias=None, after=after, **args):
                return F.batch_norm(input, **after, weight=weight, bias=bias, **args)

            args = {"training": step != "3_eval", "momentum": momentum, "eps": eps}
            record("batch_norm", f"{variant}/{step}", args, inputs, ["x", *affinity], lambda: after, call)
            running = after

    layer("1d", 3, [[4, 3], [3, 3], [2, 3]], momentum=0.1, eps=1e-5)
    layer("1d_sequence", 2, [[2, 2, 3]] * 3, momentum=0.1, eps=1e-5)
    layer("2d", 3, [[2, 3, 2, 3], [2, 3, 3, 2], [1, 3, 2, 2]], momentum=0.1, eps=1e-5)
    layer("2d_momentum_eps", 2, [[2, 2, 2, 2]] * 3, momentum=0.3, eps=1e-2)
    layer("2d_without_affine", 2, [[2, 2, 2, 2]] * 3, momentum=0.1, eps=1e-5, affine=False)


def layer_norm():
    for variant, shape, normalized, eps, affine in [
        ("last_axis", [3, 4], [4], 1e-5, True),
        ("batched", [2, 3, 4], [4], 1e-5, True),
        ("two_axes", [2, 3, 4], [3, 4], 1e-5, True),
        ("eps", [3, 4], [4], 1e-1, True),
        ("without_affine", [3, 4], [4], 1e-5, False),
    ]:
        draw = Draw(f"layer_norm/{variant}")
        inputs = {"x": draw.uniform(*shape)}
        if affine:
            inputs |= {"weight": draw.uniform(*normalized), "bias": draw.uniform(*normalized)}
        record("layer_norm", variant, {"normalized_shape": normalized, "eps": eps}, inputs, wrt=list(inputs))


def embedding():
    for variant, indices in [
        ("one_axis", [4, 0, 4, 4, 2]),
        ("two_axes", [[1, 3, 1], [0, 1, 3]]),
    ]:
        weight = Draw(f"embedding/{variant}").uniform(5, 3)
        record("embedding", variant, {}, {"weight": weight, "indices": torch.tensor(indices)}, wrt=["weight"])


def cross_entropy():
    target = torch.tensor([2, 0, 1, 0])
    with_ignored = torch.tensor([2, -100, 1, -100])
    weight = torch.tensor([0.5, 2.0, 1.25])

    def case(variant, reduction, target, logits=None, weight=None, ignore_index=-100, label_smoothing=0.0):
        draw = Draw(f"cross_entropy/{variant}")
        inputs = {"logits": draw.uniform(4, 3) if logits is None else logits(draw), "target": target}
        if weight is not None:
            inputs["weight"] = weight
        args = {"reduction": reduction, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
        wrt = ["logits", "target"] if target.is_floating_point() else ["logits"]
        record("cross_entropy", f"{variant}/{reduction}", args, inputs, wrt)

    soft = torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
    for reduction in ["mean", "sum", "none"]:
        case("plain", reduction, target)
        case("weight", reduction, target, weight=weight)
        case("ignore_index", reduction, with_ignored)
        case("label_smoothing", reduction, target, label_smoothing=0.1)
        case("together", reduction, torch.tensor([2, 0, 1, 0]), None, weight, 1, 0.1)
        case("probabilities", reduction, soft)
        case("probabilities_weight_smoothing", reduction, soft, weight=weight, label_smoothing=0.1)
        case("two_more_axes", reduction, torch.tensor([[[0, 2]], [[1, 1]]]), lambda draw: draw.uniform(2, 3, 1, 2))
        case("large", reduction, target, lambda draw: draw.uniform(4, 3, low=-1e4, high=1e4, digits=0))
    case("all_ignored", "mean", torch.full([4], -100))


def mse_loss():
    for reduction in ["mean", "sum", "none"]:
        draw = Draw(f"mse_loss/{reduction}")
        inputs = {"x": draw.uniform(2, 3), "target": draw.uniform(2, 3)}
        record("mse_loss", reduction, {"reduction": reduction}, inputs, wrt=["x", "target"])


def max_pool2d():
    def case(variant, x, kernel, stride=None, padding=(0, 0), dilation=(1, 1), ceil_mode=False):
        args = {
            "kernel_size": list(kernel),
            "stride": list(stride or kernel),
            "padding": list(padding),
            "dilation": list(dilation),
            "ceil_mode": ceil_mode,
        }
        x = Draw(f"max_pool2d/{variant}").distinct(*x) if isinstance(x, list) else x
        record("max_pool2d", variant, args, {"x": x}, wrt=["x"])

    nan, inf = float("nan"), float("inf")
    case("plain", [2, 2, 4, 4], (2, 2))
    case("overlap", [1, 2, 5, 6], (3, 3), stride=(1, 2))
    case("gaps", [1, 1, 7, 7], (2, 2), stride=(3, 3))
    case("padding", [1, 2, 5, 5], (3, 3), stride=(2, 2), padding=(1, 1))
    case("dilation", [1, 2, 6, 6], (2, 2), stride=(1, 1), dilation=(2, 3))
    case("floor", [1, 1, 6, 7], (3, 3), stride=(2, 2))
    case("ceil", [1, 1, 6, 7], (3, 3), stride=(2, 2), ceil_mode=True)
    # A last window that would begin beyond the input is left out: 2 x 2 windows, not 3 x 3.
    case("ceil_beyond", [1, 1, 6, 6], (2, 2), stride=(3, 3), ceil_mode=True)
    case("together", [2, 2, 7, 8], (3, 2), stride=(2, 3), padding=(1, 1), dilation=(2, 1), ceil_mode=True)
    # Among equals the first, row by row, takes the gradient.
    case("ties", torch.tensor([[[[1.0, 2, 0, 0], [2, 2, 0, 0], [3, 3, 4, 5], [3, 3, 5, 4]]]]), (2, 2))
    # NaN is the largest; where all are -inf the first takes the gradient.
    nonfinite = [[1.0, nan, -inf, -inf], [inf, 2, -inf, -inf], [inf, 3, -inf, 1], [inf, 0, 2, 0]]
    case("nonfinite", torch.tensor([[nonfinite]]), (2, 2))


def avg_pool2d():
    def case(variant, x, kernel, stride=None, padding=(0, 0), ceil_mode=False, count_include_pad=True):
        args = {
            "kernel_size": list(kernel),
            "stride": list(stride or kernel),
            "padding": list(padding),
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
        }
        record("avg_pool2d", variant, args, {"x": Draw(f"avg_pool2d/{variant}").uniform(*x)}, wrt=["x"])

    case("plain", [2, 2, 4, 4], (2, 2))
    case("overlap", [1, 2, 5, 6], (3, 2), stride=(1, 2))
    case("gaps", [1, 1, 7, 7], (2, 2), stride=(3, 3))
    for counted, name in [(True, "pad_counted"), (False, "pad_not_counted")]:
        padded = partial(case, padding=(1, 1), count_include_pad=counted)
        padded(name, [1, 2, 5, 5], (3, 3), (2, 2))
        # Cells that only ceil_mode adds, beyond the padding, are counted in neither case.
        padded(f"{name}_ceil", [1, 1, 6, 7], (3, 3), (2, 3), ceil_mode=True)
    case("ceil", [1, 1, 6, 7], (3, 3), stride=(2, 2), ceil_mode=True)
    case("ceil_beyond", [1, 1, 6, 6], (2, 2), stride=(3, 3), ceil_mode=True)


def softmaxes():
    inf = float("inf")

    def case(variant, make, dim):
        x = make(Draw(f"softmax/{variant}"))
        record("softmax", variant, {"dim": dim}, {"x": x}, wrt=["x"])
        record("log_softmax", variant, {"dim": dim}, {"x": x}, wrt=["x"])
        record("logsumexp", variant, {"dim": dim, "keepdim": False}, {"x": x}, wrt=["x"])
        if variant in ("rows", "middle_axis"):
            record("logsumexp", f"{variant}_keepdim", {"dim": dim, "keepdim": True}, {"x": x}, wrt=["x"])

    case("rows", lambda draw: draw.uniform(3, 4), dim=1)
    case("columns", lambda draw: draw.uniform(3, 4), dim=0)
    case("middle_axis", lambda draw: draw.uniform(2, 3, 2), dim=1)
    case("vector", lambda draw: draw.uniform(4), dim=-1)
    case("large", lambda draw: 1e4 + draw.uniform(3, 4), dim=-1)
    case("large_negative", lambda draw: draw.uniform(3, 4) - 1e4, dim=-1)
    case("large_spread", lambda draw: draw.uniform(3, 4, low=-1e4, high=1e4, digits=0), dim=-1)
    case("masked", lambda draw: torch.tensor([[0.5, -inf, 1.5], [-inf, 2.0, -inf]]), dim=-1)
    case("all_masked", lambda draw: torch.full([1, 3], -inf), dim=-1)


if __name__ == "__main__":
    for family in [
        linear,
        conv2d,
        batch_norm,
        layer_norm,
        embedding,
        cross_entropy,
        mse_loss,
        max_pool2d,
        avg_pool2d,
        softmaxes,
    ]:
        family()
    save(__file__, cases=CASES)
