# %% [markdown]
"""
### Homework 4: one step of backprop, cell by cell

8 points, 4 features, two hidden layers. Weights are W1, b1 ... W3, b3;
their gradients end up in dW1, db1, dW2, db2, dW3, db3.
"""

# %%
import numpy as np

rng = np.random.RandomState(42)

# %% data
x = rng.randn(8, 4)
y = rng.randn(8, 3)
x.shape, y.shape

# %% weights
W1 = rng.randn(4, 6) * 0.6
b1 = rng.randn(6) * 0.2
W2 = rng.randn(6, 5) * 0.6
b2 = rng.randn(5) * 0.2
W3 = rng.randn(5, 3) * 0.6
b3 = rng.randn(3) * 0.2

# %% forward
h1 = x @ W1 + b1
a1 = np.tanh(h1)
h2 = a1 @ W2 + b2
a2 = np.tanh(h2)
h3 = a2 @ W3 + b3
out = h3
out

# %% loss
loss = ((out - y) ** 2).mean()
loss

# %% last layer
dh3 = 2 * (out - y) / out.size
dW3 = a2.T @ dh3
db3 = dh3.sum(axis=0)
dW3.shape == W3.shape, db3.shape == b3.shape

# %% second layer
da2 = dh3 @ W3.T
dh2 = da2 * (1 - a2 ** 2)
dW2 = a1.T @ dh2
db2 = dh2.sum(axis=0)

# %% first layer
da1 = dh2 @ W2.T
dh1 = da1 * (1 - a1 ** 2)
dW1 = x.T @ dh1
db1 = dh1.sum(axis=0)

# %% how large are they?
[float(abs(g).max()) for g in (dW1, db1, dW2, db2, dW3, db3)]

# %% would a step help? (W1 etc. stay as they are, for the next question)
lr = 0.1
W3_new = W3 - lr * dW3
b3_new = b3 - lr * db3
W3_new, b3_new
