"""Records what PyTorch's optimizers do to two parameters in 12 steps, in optimizers.json.

The gradients are given numbers, so nobody needs a model to repeat the steps:

{"torch": version, "dtype": "float64",
 "gradient_formula": {"weight": ..., "bias": ...},                       for the reader; the numbers follow
 "parameters": {"weight": TENSOR [3, 4], "bias": TENSOR [3]},            the values before the first step
 "gradients": [{"weight": [12 numbers], "bias": [3 numbers]}, ...],      12 steps
 "cases": [{"name": ..., "optimizer": "SGD" | "Adam" | "AdamW",
            "args": {every hyperparameter},
            "steps": [{"weight": [12 numbers], "bias": [3 numbers]}, ...]}]}  the values after each step

TENSOR is described in recording.py. Gradients and steps are flat, row-major, in the parameters' shapes. The args are
  SGD          lr, momentum, dampening, weight_decay, nesterov
  Adam, AdamW  lr, betas [b1, b2], eps, weight_decay
Among the gradients are zeros (weight[5] has one at the first step) and, in bias[2], some as small as Adam's eps, so
that a misplaced eps shows. Every case is computed a second time, in NumPy from the published formulas, and must agree.
"""

from recording import flat, recorded, save  # first: it sets what torch reads when loaded

import numpy as np
import torch

STEPS = 12
FORMULA = {
    "weight": "((7 t + 5 i) mod 13 - 6) / 8, t = 1..12, i = 0..11 row-major",
    "bias": "((3 t + 2 i) mod 7 - 3) / 4 / 2^(13 i), t = 1..12, i = 0..2",
}
INITIAL = {
    "weight": np.array([(i - 5) / 4 for i in range(12)]).reshape(3, 4),
    "bias": np.array([0.5, -1.0, 0.25]),
}
GRADIENTS = [
    {
        "weight": np.array([((7 * t + 5 * i) % 13 - 6) / 8 for i in range(12)]).reshape(3, 4),
        "bias": np.array([((3 * t + 2 * i) % 7 - 3) / 4 / 2 ** (13 * i) for i in range(3)]),
    }
    for t in range(1, STEPS + 1)
]


def sgd(lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    return {
        "lr": lr,
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": weight_decay,
        "nesterov": nesterov,
    }


def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    return {"lr": lr, "betas": list(betas), "eps": eps, "weight_decay": weight_decay}


CASES = [
    ("gradient_descent", "SGD", sgd(0.1)),
    ("sgd_momentum", "SGD", sgd(0.1, momentum=0.9)),
    ("sgd_nesterov", "SGD", sgd(0.1, momentum=0.9, nesterov=True)),
    ("sgd_dampening", "SGD", sgd(0.1, momentum=0.9, dampening=0.3)),
    ("sgd_weight_decay", "SGD", sgd(0.1, weight_decay=0.05)),
    # PyTorch refuses Nesterov's momentum together with dampening, so "all" takes two cases.
    ("sgd_momentum_dampening_weight_decay", "SGD", sgd(0.1, momentum=0.8, dampening=0.2, weight_decay=0.05)),
    ("sgd_nesterov_weight_decay", "SGD", sgd(0.1, momentum=0.8, weight_decay=0.05, nesterov=True)),
    ("adam", "Adam", adam()),
    ("adam_betas_eps", "Adam", adam(lr=0.05, betas=(0.7, 0.95), eps=1e-2)),
    # 0.07: no gradient and its decay term cancel, which would leave Adam a rounding error to magnify.
    ("adam_weight_decay", "Adam", adam(lr=0.05, weight_decay=0.07)),
    ("adamw", "AdamW", adam(lr=0.05, weight_decay=0.07)),
]


def with_torch(optimizer, args):
    """The parameters after each step, as PyTorch has them."""
    parameters = {name: torch.tensor(value, requires_grad=True) for name, value in INITIAL.items()}
    # foreach=False: one tensor after the other, as the formulas are read.
    stepper = getattr(torch.optim, optimizer)(parameters.values(), foreach=False, **args)
    steps = []
    for gradient in GRADIENTS:
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(gradient[name])
        stepper.step()
        steps.append({name: parameter.detach().clone() for name, parameter in parameters.items()})
    return steps


def sgd_formula(theta, gradients, lr, momentum, dampening, weight_decay, nesterov):
    """The momentum of Sutskever et al. 2013 in PyTorch's form: the first step is not damped."""
    velocity = None
    for g in gradients:
        g = g + weight_decay * theta
        velocity = g if velocity is None else momentum * velocity + (1 - dampening) * g
        theta = theta - lr * (g + momentum * velocity if nesterov else velocity if momentum else g)
        yield theta


def adam_formula(theta, gradients, lr, betas, eps, weight_decay, decoupled):
    """Kingma and Ba 2015, algorithm 1; decoupled weight decay as in Loshchilov and Hutter 2019."""
    b1, b2 = betas
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        if decoupled:
            theta = theta - lr * weight_decay * theta
        else:
            g = g + weight_decay * theta
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        mhat = m / (1 - b1**t)
        vhat = v / (1 - b2**t)
        theta = theta - lr * mhat / (np.sqrt(vhat) + eps)
        yield theta


def with_numpy(optimizer, args, name):
    """One parameter after each step, by the formulas."""
    gradients = [gradient[name] for gradient in GRADIENTS]
    if optimizer == "SGD":
        return sgd_formula(INITIAL[name], gradients, **args)
    return adam_formula(INITIAL[name], gradients, decoupled=optimizer == "AdamW", **args)


def case(name, optimizer, args):
    steps = with_torch(optimizer, args)
    for parameter in INITIAL:
        for t, expected in enumerate(with_numpy(optimizer, args, parameter), start=1):
            error = np.abs(steps[t - 1][parameter].numpy() - expected).max()
            assert error < 1e-12, f"{name}: {parameter} after step {t} is off the formula by {error}"
    recorded_steps = [{parameter: flat(value) for parameter, value in step.items()} for step in steps]
    return {"name": name, "optimizer": optimizer, "args": args, "steps": recorded_steps}


if __name__ == "__main__":
    save(
        __file__,
        gradient_formula=FORMULA,
        parameters={name: recorded(torch.tensor(value)) for name, value in INITIAL.items()},
        gradients=[{name: value.reshape(-1).tolist() for name, value in g.items()} for g in GRADIENTS],
        cases=[case(*row) for row in CASES],
    )
