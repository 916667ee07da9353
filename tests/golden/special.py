"""Special functions by mpmath, to 17 digits: writes special.json, or with --check compares.

{"functions": [{"name", "points": [[arguments ..., value, change], ...]}, ...]}, where change is |x f'(x)|, x the last argument: what a relative
error of x does to the value. Needs mpmath alone.
"""

import json
import sys
from pathlib import Path

import mpmath
from mpmath import mp, mpf

mp.dps = 60

WIDE = [1e-300, 1e-20, 1e-8, 1e-3, 0.1, 0.3, 0.75, 1.0, 1.2, 1.4616, 1.9, 2.0, 2.5, 4.9, 9.7, 12.0, 17.3, 24.9, 25.1, 60.0, 700.0, 1e5]
MIDDLE = [x for x in WIDE if 1e-3 <= x <= 60.0]
NEGATIVE = [-1e-8, -0.2, -0.5, -0.75, -1.3, -2.5, -3.9, -10.01, -55.5, -300.25]
REAL = [-30.0, -26.5, -8.0, -3.1, -1.5, -1.0, -0.9, -0.3, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.2, 0.5, 0.8, 1.0, 1.7, 3.3, 6.0, 25.9, 26.1]
PROBABILITIES = [1e-300, 1e-100, 1e-20, 1e-9, 1e-3, 0.01, 0.1, 0.24, 0.26, 0.49, 0.5, 0.51, 0.6, 0.74, 0.76, 0.9, 0.999, 1 - 1e-9]
ORDERS = [0, 1, 2, 3, 5]


def ndtr(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def erfinv(y):
    return mpmath.erfinv(y)


def ndtri(p):
    """The root of ln ndtr(x) - ln p, from the asymptotic start."""
    if p > 0.5:
        return -ndtri(1 - p)
    start = -mpmath.sqrt(-2 * mpmath.log(p)) + 1
    return mpmath.findroot(lambda x: mpmath.log(ndtr(x)) - mpmath.log(p), min(start, mpf(0)))


def sinc(n, x):
    """The n-th derivative of sin(pi x) / pi x = integral of cos(pi x t) over 0 <= t <= 1."""
    return mp.pi**n * mpmath.quad(lambda t: t**n * mpmath.cos(mp.pi * x * t + n * mp.pi / 2), mpmath.linspace(0, 1, 12))


def pairs(first, second):
    return [(a, x) for a in first for x in second]


def incomplete(upper):
    def f(a, x):
        if upper:
            return mpmath.gammainc(a, x, mp.inf, regularized=True)
        return 1 - f_upper(a, x) if a > 1e5 else mpmath.gammainc(a, 0, x, regularized=True)

    f_upper = f if upper else incomplete(True)

    return f


GAMMA = pairs([1e-5, 0.3, 0.9, 1.0, 2.5, 9.9, 30.0, 200.0], [1e-4, 0.2, 1.0, 2.7, 11.0, 28.0, 45.0]) + [
    (200.0, 190.0),
    (200.0, 260.0),
    (1000.0, 1010.0),
    (5000.0, 4900.0),
    (1e6, 1.002e6),
    (2e8, 2e8 + 1e4),
    (2e8, 2e8 - 3e4),
]

FUNCTIONS = [
    ("lgamma", lambda x: mpmath.re(mpmath.loggamma(x)) if x > 0 else mpmath.log(abs(mpmath.gamma(x))), WIDE + NEGATIVE),
    ("digamma", mpmath.digamma, WIDE + NEGATIVE),
    ("polygamma", lambda n, x: mpmath.polygamma(int(n), x), pairs([1, 2, 3, 6], MIDDLE + NEGATIVE)),
    ("zeta", mpmath.zeta, pairs([1.5, 2, 3.7, 10, 40], MIDDLE)),
    ("igamma", incomplete(False), GAMMA),
    ("igammac", incomplete(True), GAMMA),
    ("erfcx", lambda x: mpmath.exp(x * x) * mpmath.erfc(x), [x for x in REAL if x > -26] + [1e3, 1e10]),
    ("erfinv", erfinv, [s * p for p in PROBABILITIES for s in (1, -1)]),
    ("ndtri", ndtri, [p for p in PROBABILITIES if p != 0.5]),
    ("log_ndtr", lambda x: mpmath.log(ndtr(x)) if x < 0 else mpmath.log1p(-ndtr(-x)), REAL + [-200.0]),
    ("normal_hazard", lambda x: mpmath.npdf(x) / ndtr(x), REAL + [-200.0]),
    ("sinc_derivative", sinc, pairs(range(6), [x for x in REAL if x > -4 and x != 0])),
    ("modified_bessel_i", lambda n, x: mpmath.besseli(n, x), pairs(ORDERS, MIDDLE + [-0.3, -9.7, 700.0])),
    ("modified_bessel_i_scaled", lambda n, x: mpmath.exp(-abs(x)) * mpmath.besseli(n, x), pairs(ORDERS, MIDDLE + [-0.3, -9.7, 1e5])),
    ("modified_bessel_k", lambda n, x: mpmath.besselk(n, x), pairs(ORDERS, [1e-20, 1e-9, 1e-7] + MIDDLE + [600.0])),
    ("bessel_j", lambda n, x: mpmath.besselj(n, x), pairs(ORDERS, [0.1, 0.75, 1.9, 4.9, 12.0, 60.0, -1.9])),
    ("bessel_y", lambda n, x: mpmath.bessely(n, x), pairs(ORDERS, [0.1, 0.75, 1.9, 4.9, 12.0, 60.0])),
]


def point(f, arguments):
    arguments = arguments if isinstance(arguments, tuple) else (arguments,)
    *first, x = map(mpf, arguments)
    value = f(*first, x)
    step = mpf(10) ** -18 * (abs(x) or 1)
    change = abs(x * (f(*first, x + step) - value) / step) if x else mpf(0)
    return [float(a) for a in arguments] + [float(value), float(change)]


def text():
    lines = []
    for name, f, points in FUNCTIONS:
        rows = ",\n   ".join(json.dumps(point(f, p)) for p in points)
        lines.append(f'  {{"name": "{name}", "points": [\n   {rows}]}}')
    return '{"functions": [\n' + ",\n".join(lines) + "\n]}\n"


if __name__ == "__main__":
    file = Path(__file__).with_suffix(".json")
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if file.read_text() == text() else "special.json is not what this script makes")
    file.write_text(text())
