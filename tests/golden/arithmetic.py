"""The integer arithmetic of reference/arithmetic.md in numpy, written from its text and not from TFLM's source.

`make.py --check` holds every golden output equal to it, so that the page is known to be enough to build an engine from.
"""

import numpy as np

INT32_MAX = 2**31 - 1


def output_hwc(layer, hwc):
    if layer["op"] == "linear":
        return [1, 1, layer["outputs"]]
    kernel_hw = layer.get("kernel_hw") or [layer["window"]] * 2
    same = layer.get("padding") == "same"
    sizes = [-(-size // layer["stride"]) if same else (size - kernel) // layer["stride"] + 1
             for size, kernel in zip(hwc[:2], kernel_hw)]
    return [*sizes, layer.get("outputs", hwc[2])]


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
        x = np.array(case["input"], np.int64).reshape(case["input_hwc"])
        scale, zero_point = case["input_scale"], case["input_zero_point"]
        for layer in case["layers"]:
            if layer["op"] == "max_pool2d":
                x = self.max_pool2d(x, layer)
            else:
                x = self.requantize(self.accumulate(x, zero_point, layer), scale, layer)
                scale, zero_point = layer["output_scale"], layer["output_zero_point"]
            yield x.flatten().tolist()

    def max_pool2d(self, x, layer):
        kernel_hw = [layer["window"]] * 2
        return self.windows(x, kernel_hw, layer["stride"], output_hwc(layer, x.shape)).max(axis=(2, 3))

    def accumulate(self, x, zero_point, layer):
        """acc = bias[c] + sum (x - z_in) * w, of shape (height, width, outputs)."""
        if layer["op"] == "linear":
            weights = np.array(layer["weights_oi"], np.int64).reshape(layer["outputs"], -1)
            return ((weights @ (self.flatten(x) - zero_point)) + layer["bias"]).reshape(1, 1, -1)
        kernel_hw, stride, out_hwc = layer["kernel_hw"], layer["stride"], output_hwc(layer, x.shape)
        weights = np.array(layer["weights_ohwi"], np.int64).reshape(layer["outputs"], *kernel_hw, x.shape[2])
        if layer["padding"] == "same":
            x = self.pad(x, zero_point, kernel_hw, stride, out_hwc)
        patches = self.windows(x, kernel_hw, stride, out_hwc) - zero_point
        return np.einsum("yxhwi,ohwi->yxo", patches, weights) + np.array(layer["bias"], np.int64)

    def requantize(self, acc, scale, layer):
        weight_scales = np.broadcast_to(layer["weight_scales"], layer["outputs"])
        products = [self.product(scale, weight_scale) for weight_scale in weight_scales]
        pairs = [self.quantize_multiplier(product / layer["output_scale"]) for product in products]
        q, e = np.array(pairs, np.int64).T
        y = self.multiply(acc, q, e) + layer["output_zero_point"]
        return np.clip(y, self.low(layer), 127)

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

    def low(self, layer):
        return layer["output_zero_point"] if layer["activation"] == "relu" else -128

    def flatten(self, x):
        return x.flatten()

    def pad(self, x, value, kernel_hw, stride, out_hwc):
        totals = [max((out - 1) * stride + kernel - size, 0) for out, kernel, size in zip(out_hwc, kernel_hw, x.shape)]
        before = [self.before(total) for total in totals]
        widths = [(first, total - first) for first, total in zip(before, totals)]
        return np.pad(x, [*widths, (0, 0)], constant_values=value)

    def before(self, total):
        return total // 2

    def windows(self, x, kernel_hw, stride, out_hwc):
        """Of shape (height, width, kernel height, kernel width, channels)."""
        rows = np.arange(out_hwc[0])[:, None] * stride + np.arange(kernel_hw[0])
        columns = np.arange(out_hwc[1])[:, None] * stride + np.arange(kernel_hw[1])
        return x[rows[:, None, :, None], columns[None, :, None, :]]
