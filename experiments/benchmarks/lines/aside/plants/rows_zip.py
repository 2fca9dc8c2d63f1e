"""Views of one vector, a zip over samples, gradients read off the step."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

MISS = "miss = 2 * (got - wanted) / y.size"
OUTER = "dk += np.outer(entered, flow)"
OFFSET = "do += flow"
DOWN = "flow = k @ flow"
FACTOR = "flow *= hump_slope(entered)"
SLOPE = "return out * (1 - out)"
MOVED = "moved = (before - theta) / RATE"
MOVE = "theta -= RATE * slope"
BACK = "back(layers, slopes, trail, miss)"
ADDED = f"""        {OUTER}
        {OFFSET}
        {DOWN}
"""

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    (),
    (
        Plant(
            "each sample's slopes are written over the last one's",
            "accumulator",
            OUTER,
            "dk[:] = np.outer(entered, flow)",
            "dk[:] = np.outer(entered, flow)",
            ("np.outer(entered, flow)",),
        ),
        Plant(
            "the offset is bound to a new name, nothing reaches the vector",
            "aliasing",
            OFFSET,
            "do = do + flow",
            "do + flow",
            ("do = do + flow",),
        ),
        Plant(
            "f′ comes before the kernel: statements exchanged",
            "order_of_statements",
            f"        {DOWN}\n        {FACTOR}\n",
            f"        {FACTOR}\n        {DOWN}\n",
            FACTOR,
            ("hump_slope(entered)", DOWN, "k @ flow"),
            square=True,
        ),
        Plant(
            "f′ is forgotten",
            "missing_f_prime",
            f"        {DOWN}\n        {FACTOR}\n",
            f"        {DOWN}\n",
            DOWN,
            ("k @ flow",),
        ),
        Plant(
            "the offset is added after flow has gone through f′ and the kernel",
            "order_of_statements",
            "        do += flow\n        flow = k @ flow\n        flow *= hump_slope(entered)\n",
            "        flow = k @ flow\n        flow *= hump_slope(entered)\n        do += flow\n",
            "do += flow",
            square=True,
        ),
        Plant(
            "len(y) for y.size",
            "wrong_factor",
            "(got - wanted) / y.size",
            "(got - wanted) / len(y)",
            "len(y)",
            ("(got - wanted) / len(y)", "2 * (got - wanted) / len(y)", "miss = 2 * (got - wanted) / len(y)"),
        ),
        Plant("the step goes up", "sign", MOVE, "theta += RATE * slope", "", ("RATE * slope", MOVED)),
        Plant(
            "before is theta itself, not a copy of it",
            "aliasing",
            "before = theta.copy()",
            "before = theta",
            "before = theta",
            (MOVED, "(before - theta)", "before - theta"),
        ),
        Plant(
            "the vector moves with each sample, and the next one meets moved weights",
            "updated_weight_used",
            f"        {BACK}\n",
            f"        {BACK}\n        theta -= slope\n",
            "theta -= slope",
        ),
        Plant(
            "the factor 2 is left out",
            "missing_factor",
            MISS,
            "miss = (got - wanted) / y.size",
            "(got - wanted) / y.size",
            ("miss = (got - wanted) / y.size",),
        ),
    ),
    (
        Plant("the kernel turned", "transposed", DOWN, "flow = k.T @ flow", "k.T @ flow"),
        Plant("the trail is read forwards", "order_of_entries", "reversed(trail)", "trail", "trail"),
    ),
    ((0, 3), (1, 5), (2, 9), (6, 3)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    (
        ("    return 1 / (1 + np.exp(-v))", "    return np.tanh(v)"),
        (SLOPE, "return 1 - out**2"),
        ("def result(v):\n    return v\n", "def result(v):\n    return 1 / (1 + np.exp(-v))\n"),
        (MISS, "miss = (got - wanted) / y.size"),
    ),
    (
        Plant(
            "1 + out²",
            "sign",
            "return 1 - out**2",
            "return 1 + out**2",
            "1 + out**2",
            (FACTOR, "hump_slope(entered)", "return 1 + out**2"),
        ),
        Plant(
            "the second derivative's form: −2 out (1 − out²) is half remembered",
            "wrong_formula",
            "return 1 - out**2",
            "return out * (1 - out**2)",
            "out * (1 - out**2)",
            (FACTOR, "hump_slope(entered)", "return out * (1 - out**2)"),
        ),
        Plant(
            "the slope is asked of what has been squashed and squashed again",
            "wrong_operand",
            FACTOR,
            "flow *= hump_slope(hump(entered))",
            "hump(entered)",
            ("hump_slope(hump(entered))", "flow *= hump_slope(hump(entered))"),
        ),
        Plant(
            "flow is added, not multiplied",
            "wrong_operator",
            FACTOR,
            "flow += hump_slope(entered)",
            "flow += hump_slope(entered)",
        ),
        Plant(
            "the offset reads the miss in every layer",
            "wrong_operand",
            OFFSET,
            "do += miss",
            "miss",
            ("do += miss",),
            square=True,
        ),
        Plant(
            "the targets come in the wrong order",
            "wrong_operand",
            "zip(x, y)",
            "zip(x, y[::-1])",
            "y[::-1]",
            ("zip(x, y[::-1])", "got - wanted", "miss = (got - wanted) / y.size"),
        ),
        Plant(
            "the last sample is dropped by the slice",
            "wrong_slice",
            "zip(x, y)",
            "zip(x[:-1], y)",
            "x[:-1]",
            ("zip(x[:-1], y)", "for row, wanted in zip(x[:-1], y):"),
        ),
        Plant(
            "x.size for y.size",
            "wrong_factor",
            "/ y.size",
            "/ x.size",
            "x.size",
            ("(got - wanted) / x.size", "miss = (got - wanted) / x.size"),
        ),
        Plant(
            "the miss is measured before the last function",
            "wrong_operand",
            "miss = (got - wanted)",
            "miss = (np.log(got / (1 - got)) - wanted)",
            "np.log(got / (1 - got))",
            (
                "(np.log(got / (1 - got)) - wanted)",
                "np.log(got / (1 - got)) - wanted",
                "(np.log(got / (1 - got)) - wanted) / y.size",
            ),
        ),
        Plant(
            "RATE is forgotten in one of two places",
            "missing_factor",
            MOVED,
            "moved = before - theta",
            "before - theta",
            ("moved = before - theta",),
        ),
    ),
    (),
    ((0, 5), (2, 7), (3, 9), (1, 6)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    (
        ("    return 1 / (1 + np.exp(-v))", "    return v.clip(min=0)"),
        (SLOPE, "return np.sign(out)"),
        ("def result(v):\n    return v\n", "def result(v):\n    v = np.exp(v - v.max())\n    return v / v.sum()\n"),
        (MISS, "miss = (got - wanted) / len(y)"),
    ),
    (
        Plant(
            "1 − sign: closed where it should be open",
            "wrong_mask",
            "return np.sign(out)",
            "return 1 - np.sign(out)",
            "1 - np.sign(out)",
            (FACTOR, "hump_slope(entered)", "return 1 - np.sign(out)"),
        ),
        Plant(
            "not divided by the samples",
            "missing_1_over_N",
            "miss = (got - wanted) / len(y)",
            "miss = got - wanted",
            "got - wanted",
            ("miss = got - wanted", MOVED, MOVE),
        ),
        Plant(
            "only the true class gets a miss",
            "wrong_mask",
            "miss = (got - wanted) / len(y)",
            "miss = (got - 1) * wanted / len(y)",
            "(got - 1) * wanted",
            ("(got - 1) * wanted / len(y)", "miss = (got - 1) * wanted / len(y)"),
        ),
        Plant(
            "divided by the largest, not by the sum",
            "forward",
            "return v / v.sum()",
            "return v / v.max()",
            "v / v.max()",
            ("v.max()", "return v / v.max()"),
        ),
        Plant(
            "carved by columns, packed by rows",
            "order_of_entries",
            "k.reshape(shape)",
            'k.reshape(shape, order="F")',
            "",
            ("carve(theta, sizes)", "carve(moved, sizes)"),
        ),
        Plant(
            "flow goes down before the layer's own slopes are taken",
            "order_of_statements",
            ADDED,
            f"        {DOWN}\n        {OUTER}\n        {OFFSET}\n",
            DOWN,
            (OUTER, OFFSET, "k @ flow", "np.outer(entered, flow)"),
            square=True,
        ),
        Plant(
            "outer product turned",
            "transposed",
            OUTER,
            "dk += np.outer(flow, entered)",
            "np.outer(flow, entered)",
            ("dk += np.outer(flow, entered)",),
            square=True,
        ),
        Plant(
            "the kernel turned",
            "transposed",
            DOWN,
            "flow = k.T @ flow",
            "k.T @ flow",
            ("k.T", "flow = k.T @ flow"),
            square=True,
        ),
        Plant(
            "f where f′ belongs",
            "wrong_function",
            FACTOR,
            "flow *= hump(entered)",
            "hump(entered)",
            ("flow *= hump(entered)",),
        ),
        Plant(
            "the trail is shifted by one: a layer pairs with what left it",
            "off_by_one_layer",
            "reversed(trail)",
            "reversed([*trail[1:], trail[-1]])",
            "[*trail[1:], trail[-1]]",
            ("reversed([*trail[1:], trail[-1]])", OUTER),
            square=True,
        ),
    ),
    (
        Plant(
            "the outer product turned", "transposed", OUTER, "dk += np.outer(flow, entered)", "np.outer(flow, entered)"
        ),
    ),
    ((0, 3), (1, 4), (2, 8), (3, 1)),
)

STYLE = Style("rows_zip.py", "gradients", widths=(5, 7, 4, 3), batch=6, variants=(MSE, BCE, CCE))
