"""Mistakes in index notation: a letter, an axis, an operand."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

DOWN = "np.tensordot(slope, kernels[layer], axes=([1], [1]))"
KERNEL = 'np.einsum("ni,no->io", zs[layer], slope)'
CHAIN = 'np.einsum("ni,ni->ni", down, act_slope(us[layer - 1]))'

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant(
            "the axes of the kernel exchanged",
            "transposed",
            DOWN,
            DOWN.replace("([1], [1])", "([1], [0])"),
            square=True,
        ),
        Plant("the letters of the result exchanged", "transposed", KERNEL, KERNEL.replace("->io", "->oi"), square=True),
        Plant(
            "the kernel of the layer below",
            "wrong_operand",
            DOWN,
            DOWN.replace("[layer]", "[layer - 1]"),
            also=("kernels[layer - 1]",),
            square=True,
        ),
        Plant(
            "the slope at the output of the layer",
            "f_prime_of_z",
            "act_slope(us[layer - 1])",
            "act_slope(zs[layer])",
            also=(CHAIN.replace("us[layer - 1]", "zs[layer]"),),
        ),
        Plant(
            "the slope of the layer above",
            "wrong_f_prime",
            "act_slope(us[layer - 1])",
            "act_slope(us[layer])",
            also=(CHAIN.replace("us[layer - 1]", "us[layer]"),),
            square=True,
        ),
        Plant(
            "the value of the activation for its slope",
            "wrong_derivative",
            "act_slope(us[layer - 1])",
            "act(us[layer - 1])",
            also=(CHAIN.replace("act_slope", "act"),),
        ),
        Plant("the slope without its square", "wrong_derivative", "1 - np.tanh(u) ** 2", "1 - np.tanh(u)"),
        Plant("the slope is forgotten", "missing_f_prime", CHAIN, "down", also=(DOWN,)),
        Plant("the bias of one sample", "only_last_sample", 'np.einsum("no->o", slope)', "slope[-1]"),
        Plant("the bias is summed over o", "wrong_axis", 'np.einsum("no->o", slope)', 'np.einsum("no->n", slope)'),
        Plant("the batch, not the size, is counted", "wrong_count", "np.prod(y.shape)", "len(y)", also=("2 / count",)),
        Plant(
            "the 2 is lost",
            "missing_2",
            "zs[-1] - y, 2 / count",
            "zs[-1] - y, 1 / count",
            "1 / count",
            ('np.einsum("no,->no", zs[-1] - y, 1 / count)',),
        ),
        Plant(
            "activations for the layer above",
            "off_by_one_layer",
            KERNEL,
            KERNEL.replace("[layer]", "[layer + 1]"),
            also=("zs[layer + 1]",),
            square=True,
        ),
        Plant(
            "the activation stays on the output",
            "forward_wrong_activation",
            "zs[-1] = us[-1]",
            "zs[-1] = act(us[-1])",
            "act(us[-1])",
            ("zs[-1] - y",),
        ),
    ),
    raising=(
        Plant("the axes of the kernel exchanged", "transposed", DOWN, DOWN.replace("([1], [1])", "([1], [0])")),
        Plant("the letters of the kernel exchanged", "wrong_letter", '"ni,io->no"', '"ni,oi->no"'),
        Plant("the slope of the layer above", "wrong_f_prime", "act_slope(us[layer - 1])", "act_slope(us[layer])"),
    ),
    pairs=((3, 8), (10, 5), (0, 11)),
)

BCE = Variant(
    ("relu", "relu", "sigmoid"),
    "bce",
    replacements=(
        ("return np.tanh(u)\n", "return np.maximum(u, 0)\n"),
        ("return 1 - np.tanh(u) ** 2", "return np.heaviside(u, 0)"),
        ("zs[-1] = us[-1]  # no activation on the output", "zs[-1] = 1 / (1 + np.exp(-us[-1]))  # probabilities"),
        ("2 / count", "1 / count"),
    ),
    plants=(
        Plant("the step function of −u", "wrong_mask", "np.heaviside(u, 0)", "np.heaviside(-u, 0)"),
        Plant("1/2 where the slope is 1", "wrong_derivative", "np.heaviside(u, 0)", "np.heaviside(u, 0) / 2"),
        Plant(
            "exp(+u)", "forward_sign", "1 / (1 + np.exp(-us[-1]))", "1 / (1 + np.exp(us[-1]))", also=("np.exp(us[-1])",)
        ),
        Plant("y minus p", "sign", "zs[-1] - y", "y - zs[-1]", also=('np.einsum("no,->no", y - zs[-1], 1 / count)',)),
        Plant(
            "u for p",
            "wrong_operand",
            "zs[-1] - y",
            "us[-1] - y",
            also=('np.einsum("no,->no", us[-1] - y, 1 / count)',),
        ),
        Plant("the kernels are averaged over the batch once more", "double_average", KERNEL, KERNEL + " / len(x)"),
        Plant(
            "the result is put behind",
            "order_of_layers",
            "[grad_kernel, grad_bias] + result",
            "result + [grad_kernel, grad_bias]",
            also=("return result",),
            square=True,
        ),
        Plant(
            "u for z in the product",
            "wrong_operand",
            KERNEL,
            KERNEL.replace("zs[layer]", "us[max(layer - 1, 0)] if layer else x"),
            also=("us[max(layer - 1, 0)] if layer else x",),
        ),
    ),
    raising=(Plant("outputs before inputs", "wrong_letter", KERNEL, KERNEL.replace("ni,no->io", "in,no->io")),),
    pairs=((1, 5), (3, 7)),
)

CCE = Variant(
    ("sigmoid", "sigmoid", "softmax"),
    "cce",
    replacements=(
        ("return np.tanh(u)\n", "return 1 / (1 + np.exp(-u))\n"),
        ("return 1 - np.tanh(u) ** 2", "return act(u) - act(u) ** 2"),
        (
            "    zs[-1] = us[-1]  # no activation on the output\n",
            '    e = np.exp(us[-1])\n    p = np.einsum("no,n->no", e, 1 / np.einsum("no->n", e))\n',
        ),
        (
            '    count = np.prod(y.shape)\n    slope = np.einsum("no,->no", zs[-1] - y, 2 / count)',
            (
                '    jacobian = np.einsum("na,ab->nab", p, np.eye(p.shape[1])) - np.einsum("na,nb->nab", p, p)\n'
                '    slope = np.einsum("nab,nb->na", jacobian, -y / p) / len(y)'
            ),
        ),
    ),
    plants=(
        Plant(
            "the second part of the Jacobian is lost",
            "softmax_elementwise",
            ' - np.einsum("na,nb->nab", p, p)\n',
            "\n",
            'np.einsum("na,ab->nab", p, np.eye(p.shape[1]))',
        ),
        Plant(
            "+ between the parts of the Jacobian",
            "sign",
            ' - np.einsum("na,nb->nab", p, p)',
            ' + np.einsum("na,nb->nab", p, p)',
            'np.einsum("na,ab->nab", p, np.eye(p.shape[1])) + np.einsum("na,nb->nab", p, p)',
        ),
        Plant(
            "the square on the diagonal alone",
            "wrong_letter",
            'np.einsum("na,nb->nab", p, p)',
            'np.einsum("na,ab->nab", p**2, np.eye(p.shape[1]))',
            also=("p**2",),
        ),
        Plant("y/p with the wrong sign", "sign", "-y / p", "y / p", also=('np.einsum("nab,nb->na", jacobian, y / p)',)),
        Plant(
            "the batch is not averaged",
            "missing_1_over_N",
            ", -y / p) / len(y)",
            ", -y / p)",
            'np.einsum("nab,nb->na", jacobian, -y / p)',
        ),
        Plant(
            "the Jacobian's diagonal alone goes into the product",
            "wrong_letter",
            '"nab,nb->na"',
            '"naa,na->na"',
            'np.einsum("naa,na->na", jacobian, -y / p)',
        ),
        Plant(
            "normalised over the samples",
            "softmax_axis",
            'np.einsum("no,n->no", e, 1 / np.einsum("no->n", e))',
            'np.einsum("no,o->no", e, 1 / np.einsum("no->o", e))',
            'np.einsum("no->o", e)',
            ('1 / np.einsum("no->o", e)', 'np.einsum("no,o->no", e, 1 / np.einsum("no->o", e))'),
        ),
        Plant("σ² for σ − σ²", "wrong_derivative", "act(u) - act(u) ** 2", "act(u) ** 2"),
        Plant(
            "the slope of the slope: σ(σ(u))", "f_prime_of_z", "act(u) - act(u) ** 2", "act(act(u)) - act(act(u)) ** 2"
        ),
    ),
    raising=(Plant("one letter for two axes", "wrong_letter", '"no,n->no"', '"no,o->no"'),),
    pairs=((0, 7), (4, 8)),
)

STYLE = Style("einsum.py", "gradients", widths=(6, 5, 4, 3), batch=7, variants=(MSE, BCE, CCE))
