import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def diff_sigmoid(x):
    return sigmoid(x) * (1.0 - sigmoid(x))


class Network:
    """Multi-layer perceptron. sizes: number of units, input layer first."""

    def __init__(self, sizes, seed=None, learning_rate=0.02):
        random = np.random.RandomState(seed)
        self.weights = []
        self.biases = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            self.weights.append(random.normal(0.0, 0.5, (n_in, n_out)))
            self.biases.append(random.normal(0.0, 0.5, (1, n_out)))
        self.learning_rate = learning_rate
        self.U = []
        self.Z = []
        self.D = []

    def predict(self, x):
        self.U = []
        self.Z = [x]
        last = len(self.weights) - 1
        for i in range(len(self.weights)):
            u = np.dot(self.Z[i], self.weights[i]) + self.biases[i]
            self.U.append(u)
            self.Z.append(sigmoid(u) if i < last else u)
        return self.Z[-1]

    def back_propagate(self, x, d):
        y = self.predict(x)
        # deltas, from the output layer down
        self.D = [y - d]
        for i in range(len(self.weights) - 2, -1, -1):
            back = np.dot(self.D[-1], self.weights[i + 1].T)
            self.D.append(diff_sigmoid(self.U[i]) * back)
        self.D.reverse()
        # descent
        for i in range(len(self.weights)):
            self.weights[i] -= self.learning_rate * np.dot(self.Z[i].T, self.D[i])
            self.biases[i] -= self.learning_rate * np.sum(self.D[i], axis=0, keepdims=True)
        return y

    def train(self, x, d, iterations):
        for _ in range(iterations):
            self.back_propagate(x, d)
        return self.predict(x)
