"""Records what PyTorch's recurrent, attention and transformer layers, group and instance normalisation and some losses
compute, in sequences.json.

The form is that of layers.json (see layers.py). Parameters are named by chainrule's paths. The ops, their inputs and args:

  rnn, rnn_relu, gru, lstm
                 x [steps, n, inputs] or [n, steps, inputs], h (and c) [cells, n, hidden], and for each cell
                 cells.N.weight_ih, cells.N.weight_hh, cells.N.bias_ih, cells.N.bias_hh;
                 layers, bias, batch_first, bidirectional. Outputs: y, h (and c); the gradients are those of y alone.
  attention      q [n, l, width], k, v [n, s, width], in_proj_weight, in_proj_bias, out_proj.weight, out_proj.bias; heads, causal
  transformer    x [n, steps, width] and a layer's parameters; heads, norm_first, gelu
  group_norm     x [n, c, ...], weight [c], bias [c]; groups, eps
  rms_norm       x, weight; shape, eps
  multilabel_margin_loss, multilabel_soft_margin_loss
                 x [n, c], target (labels ended by -1; 0 or 1); reduction
  ctc_loss       x [steps, n, classes] (logits, of which the log-softmax is taken), target [all] (one after the other);
                 input_lengths, target_lengths, blank, reduction, zero_infinity
"""

from recording import recorded, save  # before torch: it sets what torch reads when loaded

import torch
import torch.nn.functional as F

from layers import CASES, Draw

CASES.clear()


def record(op, variant, args, inputs, call, wrt=None):
    """Adds a case: `call` on the inputs gives a dictionary of outputs; gradients are those of y."""
    name = f"{op}/{variant}"
    wrt = list(inputs) if wrt is None else wrt
    tensors = {key: value.clone().requires_grad_(key in wrt) for key, value in inputs.items()}
    outputs = call(tensors)
    cotangent = Draw(f"{name}/cotangent").uniform(*outputs["y"].shape)
    grads = torch.autograd.grad(outputs["y"], [tensors[key] for key in wrt], cotangent)
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


def filled(module, names, tensors):
    """Calls a module with its parameters replaced by tensors of the given names."""
    parameters = {theirs: tensors[ours] for theirs, ours in names.items()}
    return lambda *inputs, **rest: torch.func.functional_call(module, parameters, inputs, rest)


def recurrent():
    modules = {
        "rnn": torch.nn.RNN,
        "rnn_relu": lambda *a, **k: torch.nn.RNN(*a, nonlinearity="relu", **k),
        "gru": torch.nn.GRU,
        "lstm": torch.nn.LSTM,
    }

    def case(op, variant, layers=1, bias=True, batch_first=False, bidirectional=False):
        draw = Draw(f"{op}/{variant}")
        steps, n, inputs, hidden = 3, 2, 2, 2
        cells = layers * (2 if bidirectional else 1)
        args = {"layers": layers, "bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}
        module = modules[op](
            inputs, hidden, num_layers=layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional
        )
        tensors = {"x": draw.uniform(*([n, steps] if batch_first else [steps, n]), inputs)}
        states = ["h", "c"] if op == "lstm" else ["h"]
        for state in states:
            tensors[state] = draw.uniform(cells, n, hidden)
        names = {}
        for theirs, parameter in module.named_parameters():
            kind, place = theirs.split("_l", 1)
            layer = int(place.removesuffix("_reverse"))
            cell = layer * (2 if bidirectional else 1) + place.endswith("_reverse")
            names[theirs] = f"cells.{cell}.{kind}"
            tensors[names[theirs]] = draw.uniform(*parameter.shape, low=-1.0, high=1.0)

        def call(tensors):
            state = tuple(tensors[state] for state in states)
            y, last = filled(module, names, tensors)(tensors["x"], state if op == "lstm" else state[0])
            return {"y": y, **dict(zip(states, last if op == "lstm" else [last]))}

        record(op, variant, args, tensors, call)

    for op in modules:
        case(op, "plain")
        case(op, "without_bias", bias=False)
        case(op, "two_layers_batch_first", layers=2, batch_first=True)
        case(op, "both_directions", layers=2, bidirectional=True)


def attention():
    def case(variant, heads, causal=False, steps=(3, 4)):
        draw = Draw(f"attention/{variant}")
        n, width = 2, 4
        module = torch.nn.MultiheadAttention(width, heads, batch_first=True)
        tensors = {"q": draw.uniform(n, steps[0], width)}
        tensors.update({key: draw.uniform(n, steps[1], width) for key in ["k", "v"]})
        names = {name: name for name, _ in module.named_parameters()}
        for name, parameter in module.named_parameters():
            tensors[name] = draw.uniform(*parameter.shape, low=-1.0, high=1.0)
        mask = torch.ones(steps, dtype=torch.bool).triu(1) if causal else None

        def call(tensors):
            qkv = [tensors[key] for key in "qkv"]
            return {"y": filled(module, names, tensors)(*qkv, attn_mask=mask, need_weights=False)[0]}

        record("attention", variant, {"heads": heads, "causal": causal}, tensors, call)

    case("one_head", 1)
    case("two_heads", 2)
    case("causal", 2, causal=True, steps=(3, 3))


def transformer():
    for variant, norm_first, gelu in [("norm_last", False, False), ("norm_first_gelu", True, True)]:
        draw = Draw(f"transformer/{variant}")
        module = torch.nn.TransformerEncoderLayer(
            4, 2, 6, dropout=0.0, activation="gelu" if gelu else "relu", batch_first=True, norm_first=norm_first
        )
        names = {name: name for name, _ in module.named_parameters()}
        tensors = {"x": draw.uniform(2, 3, 4)}
        for name, parameter in module.named_parameters():
            tensors[name] = draw.uniform(*parameter.shape, low=-1.0, high=1.0)
        args = {"heads": 2, "norm_first": norm_first, "gelu": gelu}
        record("transformer", variant, args, tensors, lambda t: {"y": filled(module, names, t)(t["x"])})


def norms():
    for variant, shape, groups in [("pairs", [2, 4, 3], 2), ("single", [3, 3], 1), ("each", [2, 2, 2, 2], 2)]:
        draw = Draw(f"group_norm/{variant}")
        tensors = {"x": draw.uniform(*shape), "weight": draw.uniform(shape[1]), "bias": draw.uniform(shape[1])}
        call = lambda t: {"y": F.group_norm(t["x"], groups, t["weight"], t["bias"], 1e-5)}
        record("group_norm", variant, {"groups": groups, "eps": 1e-5}, tensors, call)
    draw = Draw("rms_norm/matrix")
    tensors = {"x": draw.uniform(3, 4), "weight": draw.uniform(4)}
    call = lambda t: {"y": F.rms_norm(t["x"], [4], t["weight"], 1e-3)}
    record("rms_norm", "matrix", {"shape": [4], "eps": 1e-3}, tensors, call)


def losses():
    for reduction in ["mean", "sum", "none"]:
        draw = Draw(f"multilabel/{reduction}")
        x = draw.uniform(2, 4)
        labels = torch.tensor([[3, 0, -1, 1], [2, -1, -1, -1]])
        call = lambda t: {"y": F.multilabel_margin_loss(t["x"], t["target"], reduction=reduction)}
        tensors = {"x": x, "target": labels}
        record("multilabel_margin_loss", reduction, {"reduction": reduction}, tensors, call, wrt=["x"])
        tensors = {"x": x, "target": torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]])}
        call = lambda t: {"y": F.multilabel_soft_margin_loss(t["x"], t["target"], reduction=reduction)}
        record("multilabel_soft_margin_loss", reduction, {"reduction": reduction}, tensors, call, wrt=["x"])
    for variant, blank, zero_infinity in [("mean", 0, False), ("sum", 0, False), ("none", 2, False), ("impossible", 0, True)]:
        draw = Draw(f"ctc_loss/{variant}")
        steps, lengths = [6, 4, 5], [3, 2, 0]
        if zero_infinity:
            steps = [6, 1, 5]
        reduction = variant if variant in ("mean", "sum", "none") else "sum"
        args = {
            "input_lengths": steps,
            "target_lengths": lengths,
            "blank": blank,
            "reduction": reduction,
            "zero_infinity": zero_infinity,
        }
        targets = torch.tensor([1, 1, 3, 3, 1])
        tensors = {"x": draw.uniform(6, 3, 4), "target": targets}
        call = lambda t: {"y": F.ctc_loss(t["x"].log_softmax(2), t["target"], steps, lengths, blank, reduction, zero_infinity)}
        record("ctc_loss", variant, args, tensors, call, wrt=["x"])


if __name__ == "__main__":
    for family in [recurrent, attention, transformer, norms, losses]:
        family()
    save(__file__, cases=CASES)
