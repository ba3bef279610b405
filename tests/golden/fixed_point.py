"""The fixed-point numbers of softmax: Q5.26 for differences, Q0.31 for exponentials, Q12.19 for their sum."""

import numpy as np

ONE = 2**31 - 1


def product(a, b):
    """a * b / 2^31, rounded half up."""
    return (a * b + 2**30) >> 31


def divide(value, power):
    """value / 2^power, rounded half away from zero."""
    return np.sign(value) * ((np.abs(value) + (1 << power >> 1)) >> power)


def constant(real):
    return int(np.floor(real * 2**31 + 0.5))


def exponential(a):
    """exp(a) as Q0.31, of a from -32 to 0 as Q5.26."""
    part = (a & (2**24 - 1)) - 2**24
    x = (part << 5) + 2**28
    x2 = product(x, x)
    higher = product(divide(product(x2, x2), 2) + product(x2, x), constant(1 / 3)) + x2
    center = constant(np.exp(-1 / 8))
    result = center + product(center, x + divide(higher, 1))
    for bit, power in enumerate(range(-2, 5)):
        is_set = ((part - a) >> (24 + bit)) & 1
        result = np.where(is_set, product(result, constant(np.exp(-(2.0**power)))), result)
    return np.where(a == 0, ONE, result)


def shares(exponentials):
    """256 times each one's share of their sum."""
    total = int(divide(exponentials, 12).sum())
    zeros = 32 - total.bit_length()
    scale = reciprocal((total << zeros) - 2**31)
    return divide(product(scale, exponentials), 12 - zeros + 23)


def reciprocal(a):
    """1 / (1 + a), both Q0.31, by three steps of Newton's in Q2.29."""
    half = (a + ONE + 1) // 2
    x = int(np.floor(48 / 17 * 2**29 + 0.5)) + product(half, int(np.floor(-32 / 17 * 2**29 + 0.5)))
    for _ in range(3):
        x += np.clip(product(x, 2**29 - product(half, x)) * 4, -(2**31), ONE)
    return int(np.clip(x * 2, -(2**31), ONE))
