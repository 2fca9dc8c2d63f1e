"""
L-layer network, examples in columns: X has shape (n_x, m), Y has shape (n_y, m).
"""
import numpy as np


def relu(Z):
    return np.maximum(0, Z), Z


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z)), Z


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ


def linear_activation_forward(A_prev, W, b, activation):
    Z = np.dot(W, A_prev) + b
    A, activation_cache = activation(Z)
    return A, ((A_prev, W, b), activation_cache)


def L_model_forward(X, params):
    caches = []
    A = X
    L = len(params) // 2
    for l in range(1, L):
        A_prev = A
        A, cache = linear_activation_forward(A_prev, params["W" + str(l)], params["b" + str(l)], relu)
        caches.append(cache)
    AL, cache = linear_activation_forward(A, params["W" + str(L)], params["b" + str(L)], sigmoid)
    caches.append(cache)
    return AL, caches


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


def linear_activation_backward(dA, cache, backward):
    linear_cache, activation_cache = cache
    dZ = backward(dA, activation_cache)
    return linear_backward(dZ, linear_cache)


def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL)) / Y.shape[0]
    dA, grads["dW" + str(L)], grads["db" + str(L)] = linear_activation_backward(dAL, caches[L - 1], sigmoid_backward)
    for l in reversed(range(L - 1)):
        dA, dW, db = linear_activation_backward(dA, caches[l], relu_backward)
        grads["dW" + str(l + 1)] = dW
        grads["db" + str(l + 1)] = db
    return grads


def gradients(parameters, x, y):
    L = len(parameters) // 2
    params = {}
    for l in range(1, L + 1):
        params["W" + str(l)] = parameters[f"dense_{l}/kernel"].T
        params["b" + str(l)] = parameters[f"dense_{l}/bias"].reshape(-1, 1)
    AL, caches = L_model_forward(x.T, params)
    grads = L_model_backward(AL, y.T, caches)
    out = {}
    for l in range(1, L + 1):
        out[f"dense_{l}/kernel"] = grads["dW" + str(l)].T
        out[f"dense_{l}/bias"] = grads["db" + str(l)].ravel()
    return out
