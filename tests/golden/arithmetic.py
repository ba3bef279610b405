"""The integer arithmetic of reference/arithmetic.md in numpy, written from its text and not from TFLM's source.

`make.py --check` holds every golden output equal to it, so that the page is known to be enough to build an engine from.
"""

import fixed_point
import numpy as np

INT32_MAX = 2**31 - 1
WINDOWED = ("conv2d", "depthwise_conv2d", "max_pool2d", "average_pool2d")


def pair(value):
    """A number stands for rows and columns alike."""
    return [value, value] if isinstance(value, int) else list(value)


def kernel_hw(layer):
    return pair(layer.get("kernel_hw") or layer["window"])


def output_hwc(layer, hwc):
    if layer["op"] == "linear":
        return [1, 1, layer["outputs"]]
    if layer["op"] == "reshape":
        return layer["shape_hwc"]
    if layer["op"] not in WINDOWED:
        return list(hwc)
    same = layer.get("padding") == "same"
    sizes = [-(-size // stride) if same else (size - kernel) // stride + 1
             for size, kernel, stride in zip(hwc[:2], kernel_hw(layer), pair(layer["stride"]))]
    return [*sizes, layer.get("outputs", hwc[2] * layer.get("multiplier", 1))]


def output_quantization(layer, scale, zero_point):
    """Of the output: that of the input, unless the layer has one."""
    if layer["op"] == "softmax":
        return 1 / 256, -128
    return layer.get("output_scale", scale), layer.get("output_zero_point", zero_point)


def quantize_multiplier(real):
    """M = q * 2^(e - 31), q in [2^30, 2^31); below 2^-32 it is no multiplier at all, and every output is z_out."""
    fraction, exponent = np.frexp(np.float64(real))
    mantissa = int(np.floor(fraction * 2**31 + 0.5))
    if mantissa == 2**31:
        mantissa, exponent = 2**30, exponent + 1
    return (0, 0) if exponent < -31 else (mantissa, int(exponent))


class Arithmetic:
    """Each rule is a method, so that mutants.py can break one at a time."""

    quantize_multiplier = staticmethod(quantize_multiplier)

    def outputs(self, case):
        """The output of every layer, flat, in HWC order."""
        return [x.flatten().tolist() for x, _, _ in self.tensors(case)[1:]]

    def tensors(self, case):
        """The input and the output of every layer, each with scale and zero point."""
        x = np.array(case["input"], np.int64).reshape(case["input_hwc"])
        tensors = [(x, case["input_scale"], case["input_zero_point"])]
        for layer in case["layers"]:
            x, scale, zero_point = tensors[-1 - layer.get("from", 0)]
            other = tensors[-1 - layer["other"]] if layer["op"] == "add" else None
            y = self.output(layer, x, scale, zero_point, other)
            tensors.append((y, *output_quantization(layer, scale, zero_point)))
        return tensors

    def output(self, layer, x, scale, zero_point, other):
        if layer["op"] == "max_pool2d":
            return np.clip(self.max_pool2d(x, layer), *self.range(layer, scale, zero_point))
        if layer["op"] == "average_pool2d":
            return np.clip(self.average_pool2d(x, layer), *self.range(layer, scale, zero_point))
        if layer["op"] == "add":
            return self.add((x, scale, zero_point), other, layer)
        if layer["op"] == "softmax":
            return self.softmax(x, scale, layer)
        if layer["op"] == "reshape":
            return x.reshape(layer["shape_hwc"])
        return self.requantize(self.accumulate(x, zero_point, layer), scale, layer)

    def max_pool2d(self, x, layer):
        return self.padded_windows(x, -(10**6), layer).max(axis=(2, 3))

    def average_pool2d(self, x, layer):
        total = self.padded_windows(x, 0, layer).sum(axis=(2, 3))
        count = self.counted(x, layer).sum(axis=(2, 3))
        return self.divide(total, count)

    def counted(self, x, layer):
        """1 for each element under a window that is in the input."""
        return self.padded_windows(np.ones_like(x), 0, layer)

    def divide(self, total, count):
        return np.sign(total) * ((np.abs(total) + count // 2) // count)

    def padded_windows(self, x, padding, layer):
        out_hwc = output_hwc(layer, x.shape)
        if layer.get("padding") == "same":
            x = self.pad(x, padding, kernel_hw(layer), pair(layer["stride"]), out_hwc)
        return self.windows(x, kernel_hw(layer), pair(layer["stride"]), out_hwc)

    def add(self, first, second, layer):
        twice = 2 * max(np.float64(first[1]), np.float64(second[1]))
        terms = [self.multiply((x - zero_point) << self.add_shift(), *self.quantize_multiplier(np.float64(scale) / twice))
                 for x, scale, zero_point in (first, second)]
        ratio = twice / (2 ** self.add_shift() * np.float64(layer["output_scale"]))
        y = self.multiply(sum(terms), *self.quantize_multiplier(ratio)) + layer["output_zero_point"]
        return np.clip(y, *self.range(layer, layer["output_scale"], layer["output_zero_point"]))

    def add_shift(self):
        return 20

    def softmax(self, x, scale, layer):
        """Over the last axis: see fixed_point.py."""
        q, e = self.quantize_multiplier(np.float64(layer["beta"]) * np.float64(scale) * 2**26)
        return np.apply_along_axis(lambda row: self.softmax_of(row, q, e), 2, x)

    def softmax_of(self, row, q, e):
        difference = row - row.max()
        is_near = difference >= -((31 << 26) >> e)
        exponentials = np.where(is_near, fixed_point.exponential(fixed_point.product(difference * is_near << e, q)), 0)
        return np.clip(fixed_point.shares(exponentials) - 128, -128, 127)

    def accumulate(self, x, zero_point, layer):
        """acc = bias[c] + sum (x - z_in) * w, of shape (height, width, outputs)."""
        if layer["op"] == "linear":
            weights = np.array(layer["weights_oi"], np.int64).reshape(layer["outputs"], -1)
            return ((weights @ (self.flatten(x) - zero_point)) + layer["bias"]).reshape(1, 1, -1)
        patches = self.padded_windows(x, zero_point, layer) - zero_point
        if layer["op"] == "depthwise_conv2d":
            weights = np.array(layer["weights_ohw"], np.int64).reshape(-1, *kernel_hw(layer))
            sums = np.einsum("yxhwo,ohw->yxo", self.repeat(patches, layer["multiplier"]), weights)
        else:
            weights = np.array(layer["weights_ohwi"], np.int64).reshape(layer["outputs"], *kernel_hw(layer), x.shape[2])
            sums = np.einsum("yxhwi,ohwi->yxo", patches, weights)
        return sums + np.array(layer["bias"], np.int64)

    def repeat(self, patches, multiplier):
        return np.repeat(patches, multiplier, axis=4)

    def requantize(self, acc, scale, layer):
        weight_scales = np.broadcast_to(layer["weight_scales"], acc.shape[2])
        products = [self.product(scale, weight_scale) for weight_scale in weight_scales]
        pairs = [self.quantize_multiplier(product / layer["output_scale"]) for product in products]
        q, e = np.array(pairs, np.int64).T
        y = self.multiply(acc, q, e) + layer["output_zero_point"]
        return np.clip(y, *self.range(layer, layer["output_scale"], layer["output_zero_point"]))

    def product(self, input_scale, weight_scale):
        return np.float64(input_scale) * np.float64(weight_scale)

    def multiply(self, acc, q, e):
        shifted = (acc << np.maximum(e, 0)).astype(np.int32).astype(np.int64)
        return self.rounding_divide(self.high_multiply(shifted * q), np.maximum(-e, 0))

    def high_multiply(self, product):
        nudged = product + np.where(product >= 0, 2**30, 1 - 2**30)
        return np.sign(nudged) * (np.abs(nudged) // 2**31)

    def rounding_divide(self, h, r):
        mask = (1 << r) - 1
        threshold = mask // 2 + (h < 0)
        return (h >> r) + ((h & mask) > threshold)

    def range(self, layer, scale, zero_point):
        """The ends of the activation; a real number is round(x / s) + z, the quotient in float."""
        activation = layer.get("activation", "none")
        low = -128 if activation == "none" else zero_point
        high = zero_point + int(np.floor(np.float32(6) / np.float32(scale) + 0.5)) if activation == "relu6" else 127
        return low, min(high, 127)

    def flatten(self, x):
        return x.flatten()

    def pad(self, x, value, kernel_hw, stride, out_hwc):
        totals = [max((out - 1) * step + kernel - size, 0)
                  for out, step, kernel, size in zip(out_hwc, stride, kernel_hw, x.shape)]
        before = [self.before(total) for total in totals]
        widths = [(first, total - first) for first, total in zip(before, totals)]
        return np.pad(x, [*widths, (0, 0)], constant_values=value)

    def before(self, total):
        return total // 2

    def windows(self, x, kernel_hw, stride, out_hwc):
        """Of shape (height, width, kernel height, kernel width, channels)."""
        rows = np.arange(out_hwc[0])[:, None] * stride[0] + np.arange(kernel_hw[0])
        columns = np.arange(out_hwc[1])[:, None] * stride[1] + np.arange(kernel_hw[1])
        return x[rows[:, None, :, None], columns[None, :, None, :]]
