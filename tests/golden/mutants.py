"""Engines that are wrong in one rule each. A golden set that lets one live does not test that rule."""

import numpy as np
from arithmetic import Arithmetic, kernel_hw


class SingleRounding(Arithmetic):
    """requantise with one rounding (LiteRT)"""

    def multiply(self, acc, q, e):
        return (acc * q + (1 << (30 - e))) >> (31 - e)


class FloatMultiplier(Arithmetic):
    """multiply by a float scale, round half to even (onnxruntime)"""

    def multiply(self, acc, q, e):
        return np.rint(acc * q * 2.0 ** (e - 31)).astype(np.int64)


class HighMultiplyOneNudge(Arithmetic):
    """step 3 with the nudge 2^30 for negative products too"""

    def high_multiply(self, product):
        nudged = product + 2**30
        return np.sign(nudged) * (np.abs(nudged) // 2**31)


class HighMultiplyHalfAway(Arithmetic):
    """step 3 with ties away from zero"""

    def high_multiply(self, product):
        return np.sign(product) * ((np.abs(product) + 2**30) // 2**31)


class DivideHalfUp(Arithmetic):
    """step 4 with ties towards plus infinity"""

    def rounding_divide(self, h, r):
        return (h + ((1 << r) >> 1)) >> r


class NoCarry(Arithmetic):
    """a mantissa that rounds up to 2^31 is halved without raising the exponent"""

    @staticmethod
    def quantize_multiplier(real):
        mantissa, exponent = Arithmetic.quantize_multiplier(real)
        carried = mantissa == 2**30 and np.frexp(real)[1] != exponent
        return mantissa, exponent - carried


class NoFlush(Arithmetic):
    """an exponent below -31 is taken for -31"""

    @staticmethod
    def quantize_multiplier(real):
        fraction, exponent = np.frexp(np.float64(real))
        return int(np.floor(fraction * 2**31 + 0.5)), max(int(exponent), -31)


class FlushTooSoon(Arithmetic):
    """an exponent of -31 is flushed to zero"""

    @staticmethod
    def quantize_multiplier(real):
        mantissa, exponent = Arithmetic.quantize_multiplier(real)
        return (0, 0) if exponent == -31 else (mantissa, exponent)


class ProductInFloat(Arithmetic):
    """s_in * s_w in float (TFLM's older sources, for a per-tensor linear)"""

    def product(self, input_scale, weight_scale):
        return np.float64(np.float32(input_scale) * np.float32(weight_scale))


class ReluAtZero(Arithmetic):
    """relu clamps at 0 and not at z_out"""

    def range(self, layer, scale, zero_point):
        low, high = super().range(layer, scale, zero_point)
        return 0 if layer.get("activation") == "relu" else low, high


class PadsWithZero(Arithmetic):
    """SAME pads with 0 and not with z_in"""

    def pad(self, x, value, kernel_hw, stride, out_hwc):
        return super().pad(x, value if value < -128 else 0, kernel_hw, stride, out_hwc)


class PadsTopLeft(Arithmetic):
    """an odd SAME total puts the larger half at top and left"""

    def before(self, total):
        return total - total // 2


class PoolsFromZero(Arithmetic):
    """a maximum that starts at 0 and not at -128"""

    def max_pool2d(self, x, layer):
        return np.maximum(super().max_pool2d(x, layer), 0)


class FlattensChw(Arithmetic):
    """linear reads channels first"""

    def flatten(self, x):
        return x.transpose(2, 0, 1).flatten()


class SwapsHeightAndWidth(Arithmetic):
    """a kernel's window runs down where it should run across"""

    def windows(self, x, kernel_hw, stride, out_hwc):
        patches = super().windows(x, kernel_hw, stride, out_hwc)
        return patches.swapaxes(2, 3).reshape(patches.shape)


class RepeatsChannelsInTurn(Arithmetic):
    """a depthwise multiplier's output o reads channel o modulo the channels"""

    def repeat(self, patches, multiplier):
        return np.tile(patches, multiplier)


class AveragesPadding(Arithmetic):
    """padding counts in a mean"""

    def counted(self, x, layer):
        return np.broadcast_to(np.prod(kernel_hw(layer)), super().counted(x, layer)[:, :, :1, :1].shape)


class AveragesTowardsZero(Arithmetic):
    """a mean is cut off, not rounded"""

    def divide(self, total, count):
        return np.sign(total) * (np.abs(total) // count)


class AveragesHalfUp(Arithmetic):
    """a mean of half is rounded up"""

    def divide(self, total, count):
        return (2 * total + count) // (2 * count)


class AddsInFewerBits(Arithmetic):
    """terms of a sum are shifted by 16 bits"""

    def add_shift(self):
        return 16


class SoftmaxInFloat(Arithmetic):
    """softmax in floating point"""

    def softmax(self, x, scale, layer):
        e = np.exp(layer["beta"] * scale * (x - x.max(axis=2, keepdims=True)))
        return np.clip(np.floor(256 * e / e.sum(axis=2, keepdims=True) + 0.5).astype(np.int64) - 128, -128, 127)


class ReluWithoutSix(Arithmetic):
    """relu6 has no upper end"""

    def range(self, layer, scale, zero_point):
        return super().range(layer, scale, zero_point)[0], 127


MUTANTS = Arithmetic.__subclasses__()
