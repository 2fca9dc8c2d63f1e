"""A notebook saved as a script: functions in one cell, names used again and again in the others."""

# %%
import numpy as np
import math

# %%
def init(n_in, n_out):
    bound = math.sqrt(3.0 / n_in)
    return np.random.uniform(-bound, bound, (n_in, n_out)), np.random.uniform(-0.2, 0.2, n_out)


def h(v):
    return np.tanh(v)


def hprime(a):
    return 1 - a * a


# %%
np.random.seed(3)
X = np.random.randn(8, 4)
Y = np.random.rand(8, 3)
W0, b0 = init(4, 6)
W1, b1 = init(6, 5)
W2, b2 = init(5, 3)

# %%
a = [X]
for W, b in [(W0, b0), (W1, b1)]:
    v = a[-1].dot(W) + b
    a.append(h(v))
v = a[-1].dot(W2) + b2
pred = v
pred[:2]

# %%
d = (pred - Y) * 2 / Y.size
gW2 = a[2].T.dot(d)
gb2 = d.sum(0)
gb2.shape, gW2.shape

# %%
d = d.dot(W2.T) * hprime(a[2])
gW1 = a[1].T.dot(d)
gb1 = d.sum(0)

# %%
d = d.dot(W1.T) * hprime(a[1])
gW0 = a[0].T.dot(d)
gb0 = d.sum(0)

# %%
for g in (gW0, gW1, gW2):
    print(g.shape, float(np.linalg.norm(g)))
