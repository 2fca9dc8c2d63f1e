# Multilayer network WITHOUT numpy. Everything is a list of floats, indices are
#   l  layer        i  input of the layer
#   s  sample       j  output of the layer
# so w[l][i][j] goes from input i to output j, as in my lecture notes.
from math import exp, log


def squash(t):
    return 1.0 / (1.0 + exp(-t))


def slope(a):
    # of squash, written with its output a
    return a * (1.0 - a)


def finish(u):
    return list(u)


def toList(a):
    return a.tolist() if hasattr(a, "tolist") else a


def gradients(parameters, x, y):
    L = len(parameters) // 2
    w = [toList(parameters["dense_%d/kernel" % (l + 1)]) for l in range(L)]
    b = [toList(parameters["dense_%d/bias" % (l + 1)]) for l in range(L)]
    X = toList(x)
    Y = toList(y)
    N = len(X)
    K = len(b[L - 1])

    gw = [[[0.0 for j in row] for row in layer] for layer in w]
    gb = [[0.0 for j in layer] for layer in b]
    error = 0.0

    for s in range(N):
        # ---------- forward; a[l] enters layer l ----------
        a = [X[s]]
        for l in range(L):
            u = []
            for j in range(len(b[l])):
                total = b[l][j]
                for i in range(len(a[l])):
                    total += a[l][i] * w[l][i][j]
                u.append(total)
            if l == L - 1:
                a.append(finish(u))
            else:
                a.append([squash(t) for t in u])

        # ---------- error of the outputs ----------
        d = []
        for k in range(K):
            e = a[L][k] - Y[s][k]
            error += e * e / (N * K)
            d.append(2.0 * e / (N * K))

        # ---------- backward ----------
        for l in range(L - 1, -1, -1):
            for j in range(len(d)):
                gb[l][j] += d[j]
                for i in range(len(a[l])):
                    gw[l][i][j] += a[l][i] * d[j]
            if l > 0:
                below = []
                for i in range(len(a[l])):
                    back = 0.0
                    for j in range(len(d)):
                        back += w[l][i][j] * d[j]
                    below.append(back * slope(a[l][i]))
                d = below

    answer = {}
    for l in range(L):
        answer["dense_%d/kernel" % (l + 1)] = gw[l]
        answer["dense_%d/bias" % (l + 1)] = gb[l]
    return error, answer
