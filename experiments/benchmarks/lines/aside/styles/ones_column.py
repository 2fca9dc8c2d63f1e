# Programming exercise 4, translated from Octave.
# Theta1: hidden x (inputs + 1), Theta2: labels x (hidden + 1); column 0 multiplies the bias unit.
import numpy as np


def sigmoid(z):
    g = 1.0 / (1.0 + np.exp(-z))
    return g


def sigmoidGradient(z):
    g = sigmoid(z) * (1 - sigmoid(z))
    return g


def unroll(Theta1, Theta2):
    return np.hstack([Theta1.flatten(), Theta2.flatten()])


def nnCostFunction(nn_params, input_layer_size, hidden_layer_size, num_labels, X, Y):
    # Reshape nn_params back into Theta1 and Theta2
    split = hidden_layer_size * (input_layer_size + 1)
    Theta1 = nn_params[:split].reshape(hidden_layer_size, input_layer_size + 1)
    Theta2 = nn_params[split:].reshape(num_labels, hidden_layer_size + 1)
    m = X.shape[0]

    # Part 1: feedforward
    ones = np.ones((m, 1))
    a1 = np.hstack([ones, X])
    z2 = a1.dot(Theta1.T)
    a2 = np.hstack([ones, sigmoid(z2)])
    z3 = a2.dot(Theta2.T)
    a3 = sigmoid(z3)
    J = np.sum((a3 - Y) ** 2) / (2 * m)

    # Part 2: backpropagation
    delta3 = (a3 - Y) * sigmoidGradient(z3)
    delta2 = delta3.dot(Theta2)
    delta2 = delta2[:, 1:]
    delta2 = delta2 * sigmoidGradient(z2)

    Theta1_grad = delta2.T.dot(a1) / m
    Theta2_grad = delta3.T.dot(a2) / m
    grad = unroll(Theta1_grad, Theta2_grad)
    return J, grad


def gradients(parameters, x, y):
    Theta1 = np.column_stack([parameters["dense_1/bias"], parameters["dense_1/kernel"].T])
    Theta2 = np.column_stack([parameters["dense_2/bias"], parameters["dense_2/kernel"].T])
    n, h, k = x.shape[1], Theta1.shape[0], Theta2.shape[0]
    J, grad = nnCostFunction(unroll(Theta1, Theta2), n, h, k, x, y)
    cut = h * (n + 1)
    G1 = grad[:cut].reshape(h, n + 1)
    G2 = grad[cut:].reshape(k, h + 1)
    return J, {
        "dense_1/kernel": G1[:, 1:].T,
        "dense_1/bias": G1[:, 0],
        "dense_2/kernel": G2[:, 1:].T,
        "dense_2/bias": G2[:, 0],
    }
