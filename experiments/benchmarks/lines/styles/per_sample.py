# Assignment 3: backpropagation, one training example at a time.
# V, c: input -> hidden;  W, d: hidden -> output
import numpy as np


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def d_sigmoid(t):
    return sigmoid(t) * (1 - sigmoid(t))


def gradients(params, X, T):
    V = params["dense_1/kernel"]
    c = params["dense_1/bias"]
    W = params["dense_2/kernel"]
    d = params["dense_2/bias"]
    N = X.shape[0]
    H, K = W.shape

    sum_V = np.zeros(V.shape)
    sum_c = np.zeros(c.shape)
    sum_W = np.zeros(W.shape)
    sum_d = np.zeros(d.shape)

    for i in range(N):
        xi = X[i]
        ti = T[i]

        # forward pass
        net_h = np.dot(xi, V) + c
        h = sigmoid(net_h)
        net_o = np.dot(h, W) + d
        o = net_o

        # error terms
        err_o = 2 * (o - ti) / K
        err_h = np.zeros(H)
        for j in range(H):
            err_h[j] = d_sigmoid(net_h[j]) * np.sum(W[j] * err_o)

        # add up
        sum_W += np.outer(h, err_o)
        sum_d += err_o
        sum_V += np.outer(xi, err_h)
        sum_c += err_h

    return {
        "dense_1/kernel": sum_V / N,
        "dense_1/bias": sum_c / N,
        "dense_2/kernel": sum_W / N,
        "dense_2/bias": sum_d / N,
    }
