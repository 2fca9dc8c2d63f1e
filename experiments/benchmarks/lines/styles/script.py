"""A script without functions: data, network, forward, backward and a step, one cell after the other."""

import numpy as np

rng = np.random.default_rng(11)

# %% data, samples in rows
inputs = rng.normal(size=(7, 5))
targets = rng.uniform(size=(7, 3))
n, k = targets.shape

# %% the network
net = {
    "w1": rng.normal(size=(5, 4)) * 0.5,
    "c1": np.zeros(4),
    "w2": rng.normal(size=(4, 6)) * 0.5,
    "c2": np.zeros(6),
    "w3": rng.normal(size=(6, 3)) * 0.5,
    "c3": np.zeros(3),
}

# %% forward
s1 = inputs @ net["w1"] + net["c1"]
h1 = np.tanh(s1)
s2 = h1 @ net["w2"] + net["c2"]
h2 = np.tanh(s2)
s3 = h2 @ net["w3"] + net["c3"]
out = s3

cost = np.mean((out - targets) ** 2)
print(f"E = {cost:.4f}")

# %% backward
grads = {}

err = out - targets
delta = 2 * err / (n * k)
grads["w3"] = h2.T @ delta
grads["c3"] = delta.sum(axis=0)

delta = delta @ net["w3"].T
delta = delta * (1 - h2**2)
grads["w2"] = h1.T @ delta
grads["c2"] = delta.sum(axis=0)

delta = delta @ net["w2"].T
delta *= 1 - h1**2
grads["w1"] = inputs.T @ delta
grads["c1"] = delta.sum(axis=0)

# %% a step
before = {name: value.copy() for name, value in net.items()}
for name in net:
    net[name] = net[name] - 0.1 * grads[name]
print("largest change", max(np.abs(net[name] - before[name]).max() for name in net))
