"""A small library of layers: forward remembers, backward uses what was remembered."""
import numpy as np


class Linear:
    def __init__(self, weight, bias):
        self.weight = weight
        self.bias = bias
        self.grad_weight = np.zeros_like(weight)
        self.grad_bias = np.zeros_like(bias)

    def forward(self, inp):
        self.inp = inp
        return inp @ self.weight + self.bias

    def backward(self, grad):
        self.grad_weight += self.inp.T @ grad
        self.grad_bias += grad.sum(0)
        return grad @ self.weight.T


class Sigmoid:
    def forward(self, inp):
        self.out = 1 / (1 + np.exp(-inp))
        return self.out

    def backward(self, grad):
        return grad * self.out * (1 - self.out)


class MSELoss:
    def forward(self, pred, target):
        self.diff = pred - target
        return np.mean(self.diff**2)

    def backward(self):
        return 2 * self.diff / self.diff.size


class Sequential:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, inp):
        for layer in self.layers:
            inp = layer.forward(inp)
        return inp

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


def gradients(parameters, x, y):
    arrays = list(parameters.values())
    linears = [Linear(w, b) for w, b in zip(arrays[::2], arrays[1::2])]
    layers = []
    for linear in linears[:-1]:
        layers += [linear, Sigmoid()]
    layers.append(linears[-1])
    net = Sequential(*layers)
    loss = MSELoss()
    loss.forward(net.forward(x), y)
    net.backward(loss.backward())

    grads = []
    for linear in linears:
        grads.append(linear.grad_weight)
        grads.append(linear.grad_bias)
    return grads
