"""The catalogue of golden cases. A wish that a line does not state is drawn by draw.py."""

from arithmetic import INT32_MAX
from mutants import ProductInFloat


def powers(*exponents):
    return [2.0**exponent for exponent in exponents]


def spread(first, last, count):
    return powers(*(first + (last - first) * index / (count - 1) for index in range(count)))


def conv2d(outputs, kernel_hw=(3, 3), stride=1, padding="same", **wishes):
    return {"op": "conv2d", "kernel_hw": list(kernel_hw), "stride": stride, "padding": padding, "outputs": outputs} | wishes


def depthwise_conv2d(kernel_hw=(3, 3), stride=1, padding="same", multiplier=1, **wishes):
    return {"op": "depthwise_conv2d", "kernel_hw": list(kernel_hw), "stride": stride, "padding": padding,
            "multiplier": multiplier} | wishes


def max_pool2d(window=2, stride=2, **attributes):
    return {"op": "max_pool2d", "window": window, "stride": stride} | attributes


def average_pool2d(window=2, stride=2, **attributes):
    return {"op": "average_pool2d", "window": window, "stride": stride} | attributes


def add(other=1, activation="none", **wishes):
    return {"op": "add", "other": other, "activation": activation} | wishes


def apart(s_out=1.0, z_out=0, **wishes):
    """A convolution that makes of each value another one, as the second term of a sum."""
    return conv2d(3, (1, 1), s_out=s_out, z_out=z_out, **wishes)


def softmax(beta=1.0):
    return {"op": "softmax", "beta": beta}


def reshape(*shape_hwc):
    return {"op": "reshape", "shape_hwc": list(shape_hwc)}


def linear(outputs, **wishes):
    return {"op": "linear", "outputs": outputs} | wishes


RELU = {"activation": "relu", "z_out": -128}
UNIT = {"s_in": 1.0, "z_in": 0}
EVERY_INT8 = UNIT | {"input": list(range(-128, 128))}
UNIT_OUT = {"s_out": 1.0, "z_out": 0}
NEAR_LIMIT = [INT32_MAX - 1024, 1024 - INT32_MAX, 2**30 + 2**28, -(2**30) - 2**28, 2**29, -(2**29), 3, -3]
LOW_OR_HIGH = [-128 if index % 3 else 127 for index in range(96)]
TIES = powers(*range(-1, -11, -1))
NEARLY_TIES = [tie * (1 + sign * 2.0**-23) for tie in TIES[1:6] for sign in (1, -1)]
BELOW_2_TO_MINUS_10 = {"bias_span": 2**24, "multipliers": spread(-11.3, -20.7, 7)}

RELU6 = {"activation": "relu6", "z_out": -128}
SAME = {"padding": "same"}
# Each six have a share that fixed-point and floating-point numbers round to different sides.
NEARLY_HALVES = [92, 54, 119, 115, 54, 88, 86, 106, 76, 63, 90, 113, -108, -80, -122, -128, -83, -107,
                 76, 37, 55, 79, 97, 63, -118, -128, -128, -90, -98, -98, -119, -128, -79, -128, -128, -122]
RAMP = [-128 + index * 255 // 95 for index in range(96)]


def bottleneck(outputs, stride=1):
    """A depthwise convolution and one of 1 x 1, as MobileNets have them."""
    return [depthwise_conv2d(stride=stride, **RELU6), conv2d(outputs, (1, 1), **RELU6)]


def residual(outputs, stride=1):
    """Two convolutions beside their input, which a third one brings to their shape where it has another."""
    inside = [conv2d(outputs, stride=stride, **RELU), conv2d(outputs)]
    if stride == 1:
        return [*inside, add(2, **RELU)]
    return [*inside, conv2d(outputs, (1, 1), stride=stride) | {"from": 2}, add(1, **RELU)]


CASES = {
    # name: (input height, width, channels), layers, wishes for the input
    "conv2d/same_1x1_map_c1": ((1, 1, 1), [conv2d(3)], {}),
    "conv2d/same_2x3_map_c3": ((2, 3, 3), [conv2d(5)], {}),
    "conv2d/same_7x7_map_c4": ((7, 7, 4), [conv2d(8, **RELU)], {}),
    "conv2d/same_7x7_map_c5": ((7, 7, 5), [conv2d(7)], {}),
    "conv2d/same_14x14_map_c16": ((14, 14, 16), [conv2d(8, **RELU)], {"z_in": -128}),
    "conv2d/same_5x7_map_c24": ((5, 7, 24), [conv2d(9)], {}),
    "conv2d/same_28x28_map_c1": ((28, 28, 1), [conv2d(6, **RELU)], {"z_in": -128}),
    "conv2d/valid_6x5_map_c3": ((6, 5, 3), [conv2d(4, padding="valid", **RELU)], {}),
    "conv2d/valid_one_window": ((3, 3, 5), [conv2d(11, padding="valid")], {}),
    "conv2d/stride2_same_even": ((8, 8, 3), [conv2d(6, stride=2)], {}),
    "conv2d/stride2_same_odd": ((7, 7, 4), [conv2d(5, stride=2)], {}),
    "conv2d/stride2_same_5x8": ((5, 8, 3), [conv2d(4, stride=2, **RELU)], {}),
    "conv2d/stride2_valid_8x7": ((8, 7, 4), [conv2d(3, stride=2, padding="valid")], {}),
    "conv2d/kernel_1x1": ((4, 5, 16), [conv2d(10, (1, 1))], {}),
    "conv2d/kernel_1x1_stride2": ((5, 6, 3), [conv2d(4, (1, 1), stride=2)], {}),
    "conv2d/kernel_2x2_same": ((4, 5, 4), [conv2d(4, (2, 2))], {}),
    "conv2d/kernel_5x5_same": ((9, 6, 3), [conv2d(4, (5, 5), **RELU)], {}),
    "conv2d/kernel_5x5_over_2x3_map": ((2, 3, 4), [conv2d(3, (5, 5))], {}),
    "conv2d/kernel_5x5_valid": ((8, 6, 2), [conv2d(3, (5, 5), padding="valid")], {}),
    "conv2d/kernel_1x3": ((5, 4, 3), [conv2d(4, (1, 3))], {}),
    "conv2d/per_tensor_scale": ((6, 6, 3), [conv2d(5, per_tensor=True)], {}),
    "conv2d/zero_points_low": ((5, 5, 4), [conv2d(5, z_out=-128)], {"z_in": -128}),
    "conv2d/zero_points_high": ((5, 5, 4), [conv2d(5, z_out=127)], {"z_in": 127}),
    "conv2d/zero_points_low_high": ((5, 5, 4), [conv2d(5, z_out=127)], {"z_in": -128}),
    "conv2d/zero_points_high_low": ((5, 5, 4), [conv2d(5, **RELU)], {"z_in": 127}),
    "conv2d/extremes": ((4, 4, 6), [conv2d(4, weights=[127, -127, -127] * 72)], {"z_in": 127, "input": LOW_OR_HIGH}),
    "conv2d/relu_from_the_middle": ((6, 6, 5), [conv2d(6, activation="relu", z_out=-9)], {}),
    "conv2d/saturated_bias": ((4, 4, 3), [conv2d(6, bias=[10**6, -(10**6), 40000, -40000, 10**8, -(10**8)])], {}),
    "conv2d/multipliers_above_one": (
        (5, 5, 1), [conv2d(8, (1, 1), weights=[1, -1, 1, 0, 1, -1, 2, 1], bias_span=20,
                           multipliers=[1.0, 1.0001, 1.37, 2.0, 3.9, 8.0, 100.3, 1000.7])], {"z_in": 5}),
    "conv2d/multipliers_below_2_to_minus_10": ((4, 4, 5), [conv2d(7, **BELOW_2_TO_MINUS_10)], {}),
    "conv2d/multipliers_down_to_zero": (
        (1, 1, 1), [conv2d(8, (1, 1), weights=[1] * 8, accumulators=NEAR_LIMIT[:2] * 4,
                           multipliers=powers(-28.5, -29.5, -30.5, -31.1, -31.1, -31.9, -32.05, -32.05))], {}),
    "conv2d/multipliers_rounding_up": (
        (16, 16, 1), [conv2d(2, (1, 1), weights=[1, -1], bias=[0, 0], **UNIT_OUT,
                             weight_scales=[1 + 2.0**-16, (1 + 2.0**-16) / 4])], EVERY_INT8 | {"s_in": 1 - 2.0**-16}),
    "conv2d/accumulators_near_the_limit": (
        (1, 1, 1), [conv2d(8, (1, 1), weights=[1] * 8, accumulators=NEAR_LIMIT, multipliers=spread(-22.2, -25.9, 8))], {}),
    "conv2d/ties": (
        (16, 16, 1), [conv2d(10, (1, 1), weights=[1] * 10, bias=[0] * 10, weight_scales=TIES, **UNIT_OUT)], EVERY_INT8),
    "conv2d/ties_with_bias": (
        (16, 16, 1), [conv2d(10, (1, 1), weights=[1, -1] * 5, bias=[1, -2, 3, -5, 8, -13, 21, -34, 355, -889],
                             weight_scales=TIES, s_out=1.0, z_out=3)], EVERY_INT8),
    "conv2d/nearly_ties": (
        (16, 16, 1), [conv2d(10, (1, 1), weights=[1, 3] * 5, bias=[0] * 10, weight_scales=NEARLY_TIES, **UNIT_OUT)],
        EVERY_INT8),
    "conv2d/product_of_scales_in_double": ((1, 1, 1), [conv2d(16, (1, 1), apart_from=ProductInFloat)], {}),
    "conv2d/stress": ((6, 6, 2), [conv2d(24, bias_span=3000, multipliers=spread(-12, 2, 24))], {}),
    "conv2d/strides_1x2_same": ((6, 8, 3), [conv2d(5, stride=[1, 2])], {}),
    "conv2d/strides_2x1_valid": ((7, 6, 4), [conv2d(4, stride=[2, 1], padding="valid", **RELU6)], {}),
    "conv2d/strides_3x2_kernel_5x3": ((9, 8, 2), [conv2d(4, (5, 3), stride=[3, 2])], {}),
    "conv2d/kernel_10x8_stride2_c1": ((14, 13, 1), [conv2d(8, (10, 8), stride=2, **RELU)], {}),
    "conv2d/kernel_10x4_strides_2x2_c1": ((25, 10, 1), [conv2d(6, (10, 4), stride=2, **RELU6)], {}),
    "conv2d/kernel_1x1_3x3_map_c24": ((3, 3, 24), [conv2d(10, (1, 1), **RELU6)], {"z_in": -128}),
    "conv2d/kernel_1x1_6x6_map_c8": ((6, 6, 8), [conv2d(12, (1, 1))], {}),
    "conv2d/kernel_1x1_stride2_even_c8": ((6, 8, 8), [conv2d(6, (1, 1), stride=2)], {}),
    "conv2d/relu6_from_the_middle": ((6, 6, 3), [conv2d(5, activation="relu6", z_out=-20, s_out=0.07)], {}),
    "conv2d/multipliers_around_a_half": (
        (5, 6, 1), [conv2d(7, multipliers=[0.3, 0.4999, 0.5, 0.6, 0.9, 0.1, 0.02], bias_span=20,
                           weights=[1, 0, -1, 2, 1, 0, 0, -2, 1] * 7)], {}),
    "max_pool2d/even_4x4": ((4, 4, 3), [max_pool2d()], {}),
    "max_pool2d/odd_5x7": ((5, 7, 4), [max_pool2d()], {}),
    "max_pool2d/map_14x14": ((14, 14, 8), [max_pool2d()], {"z_in": -128}),
    "max_pool2d/whole_map": ((2, 2, 5), [max_pool2d()], {}),
    "max_pool2d/window3_stride2": ((7, 8, 2), [max_pool2d(3, 2)], {}),
    "max_pool2d/window2_stride1": ((4, 3, 3), [max_pool2d(2, 1)], {}),
    "max_pool2d/window1_stride2": ((3, 4, 2), [max_pool2d(1, 2)], {}),
    "max_pool2d/all_lowest": ((4, 4, 2), [max_pool2d()], {"input": [-128] * 32}),
    "max_pool2d/all_negative": ((4, 6, 2), [max_pool2d()], {"input": [-128 + index % 101 for index in range(48)]}),
    "max_pool2d/window3_stride2_same": ((7, 8, 3), [max_pool2d(3, 2, **SAME)], {}),
    "max_pool2d/window2_same_odd": ((5, 7, 4), [max_pool2d(**SAME)], {}),
    "max_pool2d/window_1x3": ((3, 7, 2), [max_pool2d([1, 3], [1, 2])], {}),
    "max_pool2d/window_3x2_strides_1x2_same": ((6, 7, 5), [max_pool2d([3, 2], [1, 2], **SAME)], {}),
    "max_pool2d/window5_over_2x3_map_same": ((2, 3, 4), [max_pool2d(5, 1, **SAME)], {}),
    "max_pool2d/all_lowest_same": ((3, 3, 2), [max_pool2d(3, 1, **SAME)], {"input": [-128] * 18}),
    "max_pool2d/relu": ((6, 6, 3), [max_pool2d(activation="relu")], {"z_in": -5}),
    "max_pool2d/relu6": ((6, 6, 3), [max_pool2d(3, 2, activation="relu6")], {"z_in": -100, "s_in": 0.05}),
    "max_pool2d/global": ((5, 6, 8), [max_pool2d([5, 6], 1)], {}),
    "average_pool2d/even_4x4": ((4, 4, 3), [average_pool2d()], {}),
    "average_pool2d/odd_5x7": ((5, 7, 4), [average_pool2d()], {}),
    "average_pool2d/window3_stride2": ((7, 8, 2), [average_pool2d(3, 2)], {}),
    "average_pool2d/window2_stride1": ((4, 3, 3), [average_pool2d(2, 1)], {}),
    "average_pool2d/window1_stride2": ((3, 4, 2), [average_pool2d(1, 2)], {}),
    "average_pool2d/window3_stride1_same": ((5, 4, 3), [average_pool2d(3, 1, **SAME)], {}),
    "average_pool2d/window3_stride2_same": ((8, 7, 3), [average_pool2d(3, 2, **SAME)], {}),
    "average_pool2d/window2_same_odd": ((5, 7, 2), [average_pool2d(**SAME)], {}),
    "average_pool2d/window_1x4": ((2, 9, 2), [average_pool2d([1, 4], [1, 3])], {}),
    "average_pool2d/window_4x1_strides_2x1_same": ((7, 3, 3), [average_pool2d([4, 1], [2, 1], **SAME)], {}),
    "average_pool2d/window5_over_2x3_map_same": ((2, 3, 4), [average_pool2d(5, 1, **SAME)], {}),
    "average_pool2d/global_8x8_c16": ((8, 8, 16), [average_pool2d(8, 8)], {"z_in": -128}),
    "average_pool2d/global_7x5_c5": ((7, 5, 5), [average_pool2d([7, 5], 1)], {}),
    "average_pool2d/global_25x5_c4": ((25, 5, 4), [average_pool2d([25, 5], [25, 5])], {}),
    "average_pool2d/relu": ((6, 6, 3), [average_pool2d(activation="relu")], {"z_in": -5}),
    "average_pool2d/relu6": ((6, 6, 3), [average_pool2d(3, 1, activation="relu6")], {"z_in": -100, "s_in": 0.05}),
    "average_pool2d/halves": ((2, 24, 2), [average_pool2d([2, 1], 1)], {"input": RAMP}),
    "average_pool2d/thirds": ((1, 48, 2), [average_pool2d([1, 3], 1)], {"input": RAMP}),
    "average_pool2d/all_lowest": ((4, 4, 2), [average_pool2d(4, 4)], {"input": [-128] * 32}),
    "average_pool2d/all_highest": ((4, 4, 2), [average_pool2d(3, 1, **SAME)], {"input": [127] * 32}),
    "average_pool2d/one_negative": ((2, 2, 1), [average_pool2d()], {"input": [0, -1, 0, -1]}),
    "depthwise_conv2d/same_1x1_map_c1": ((1, 1, 1), [depthwise_conv2d()], {}),
    "depthwise_conv2d/same_2x3_map_c3": ((2, 3, 3), [depthwise_conv2d()], {}),
    "depthwise_conv2d/same_3x3_map_c8": ((3, 3, 8), [depthwise_conv2d(**RELU)], {"z_in": -128}),
    "depthwise_conv2d/same_6x6_map_c12": ((6, 6, 12), [depthwise_conv2d(**RELU6)], {"z_in": -128}),
    "depthwise_conv2d/same_5x9_map_c7": ((5, 9, 7), [depthwise_conv2d()], {}),
    "depthwise_conv2d/same_12x13_map_c4": ((12, 13, 4), [depthwise_conv2d(**RELU)], {}),
    "depthwise_conv2d/valid_6x5_map_c5": ((6, 5, 5), [depthwise_conv2d(padding="valid")], {}),
    "depthwise_conv2d/valid_one_window": ((3, 3, 6), [depthwise_conv2d(padding="valid")], {}),
    "depthwise_conv2d/stride2_same_even": ((8, 10, 4), [depthwise_conv2d(stride=2, **RELU6)], {}),
    "depthwise_conv2d/stride2_same_odd": ((7, 9, 5), [depthwise_conv2d(stride=2)], {}),
    "depthwise_conv2d/stride2_valid_8x7": ((8, 7, 4), [depthwise_conv2d(stride=2, padding="valid")], {}),
    "depthwise_conv2d/stride3_valid_9x10": ((9, 10, 4), [depthwise_conv2d(stride=3, padding="valid")], {}),
    "depthwise_conv2d/multiplier2": ((5, 6, 3), [depthwise_conv2d(multiplier=2)], {}),
    "depthwise_conv2d/multiplier8_kernel_10x8_stride2_c1": (
        (13, 12, 1), [depthwise_conv2d((10, 8), stride=2, multiplier=8, **RELU)], {}),
    "depthwise_conv2d/multiplier3_c5_valid": ((4, 7, 5), [depthwise_conv2d(padding="valid", multiplier=3)], {}),
    "depthwise_conv2d/kernel_1x1": ((4, 5, 6), [depthwise_conv2d((1, 1))], {}),
    "depthwise_conv2d/kernel_2x2_same": ((4, 5, 4), [depthwise_conv2d((2, 2))], {}),
    "depthwise_conv2d/kernel_5x5_same": ((7, 6, 4), [depthwise_conv2d((5, 5), **RELU6)], {}),
    "depthwise_conv2d/kernel_5x5_stride2_over_3x4_map": ((3, 4, 5), [depthwise_conv2d((5, 5), stride=2)], {}),
    "depthwise_conv2d/kernel_7x7_same": ((9, 8, 2), [depthwise_conv2d((7, 7))], {}),
    "depthwise_conv2d/kernel_1x4": ((3, 9, 4), [depthwise_conv2d((1, 4))], {}),
    "depthwise_conv2d/kernel_4x1_of_the_whole_map": ((4, 4, 4), [depthwise_conv2d((4, 4), padding="valid")], {}),
    "depthwise_conv2d/per_tensor_scale": ((6, 6, 4), [depthwise_conv2d(per_tensor=True)], {}),
    "depthwise_conv2d/zero_points_low": ((5, 5, 4), [depthwise_conv2d(z_out=-128)], {"z_in": -128}),
    "depthwise_conv2d/zero_points_high": ((5, 5, 4), [depthwise_conv2d(z_out=127)], {"z_in": 127}),
    "depthwise_conv2d/zero_points_high_low": ((5, 5, 4), [depthwise_conv2d(**RELU)], {"z_in": 127}),
    "depthwise_conv2d/extremes": (
        (4, 4, 6), [depthwise_conv2d(weights=[127, -127, -127] * 18)], {"z_in": 127, "input": LOW_OR_HIGH}),
    "depthwise_conv2d/relu_from_the_middle": ((6, 6, 5), [depthwise_conv2d(activation="relu", z_out=-9)], {}),
    "depthwise_conv2d/relu6_from_the_middle": ((6, 6, 5), [depthwise_conv2d(activation="relu6", z_out=-20, s_out=0.07)], {}),
    "depthwise_conv2d/multipliers_above_one": (
        (5, 5, 8), [depthwise_conv2d((1, 1), weights=[1, -1, 1, 0, 1, -1, 2, 1], bias_span=20,
                                     multipliers=[1.0, 1.0001, 1.37, 2.0, 3.9, 8.0, 100.3, 1000.7])], {"z_in": 5}),
    "depthwise_conv2d/multipliers_around_a_half": (
        (5, 6, 8), [depthwise_conv2d(multipliers=[0.3, 0.4999, 0.5, 0.6, 0.9, 0.1, 1.1, 0.02], bias_span=20,
                                     weights=[1, 0, -1, 2, 1, 0, 0, -2, 1] * 8)], {}),
    "depthwise_conv2d/ties": (
        (16, 16, 1), [depthwise_conv2d((1, 1), multiplier=10, weights=[1] * 10, bias=[0] * 10, weight_scales=TIES, **UNIT_OUT)],
        EVERY_INT8),
    "depthwise_conv2d/product_of_scales_in_double": (
        (1, 1, 1), [depthwise_conv2d((1, 1), multiplier=16, apart_from=ProductInFloat)], {}),
    "depthwise_conv2d/stress": (
        (6, 6, 3), [depthwise_conv2d(multiplier=8, bias_span=3000, multipliers=spread(-12, 2, 24))], {}),
    "linear/in1_out1": ((1, 1, 1), [linear(1)], {}),
    "linear/in1_out3": ((1, 1, 1), [linear(3)], {}),
    "linear/in7_out10": ((1, 1, 7), [linear(10)], {}),
    "linear/in64_out10_relu": ((1, 1, 64), [linear(10, **RELU)], {"z_in": -128}),
    "linear/in144_out64_from_map": ((3, 3, 16), [linear(64, **RELU)], {"z_in": -128}),
    "linear/in1152_out10_from_map": ((6, 8, 24), [linear(10)], {}),
    "linear/in1152_out3_per_tensor": ((1, 1, 1152), [linear(3, per_tensor=True)], {}),
    "linear/in30_out64_per_tensor": ((2, 3, 5), [linear(64, per_tensor=True)], {}),
    "linear/in33_out1": ((1, 1, 33), [linear(1)], {}),
    "linear/zero_points_low": ((1, 1, 20), [linear(10, z_out=-128)], {"z_in": -128}),
    "linear/zero_points_high": ((1, 1, 20), [linear(10, z_out=127)], {"z_in": 127}),
    "linear/extremes": ((1, 1, 96), [linear(3, weights=[-127] * 96 + [127, -127] * 96)], {"z_in": 127, "input": LOW_OR_HIGH}),
    "linear/relu_from_the_middle": ((1, 1, 20), [linear(12, activation="relu", z_out=17)], {}),
    "linear/saturated_bias": ((1, 1, 4), [linear(4, bias=[10**7, -(10**7), 10**5, -(10**5)])], {}),
    "linear/multipliers_above_one": (
        (1, 1, 2), [linear(6, weights=[0, 1] * 6, bias_span=20, multipliers=[1.0, 1.001, 1.7, 2.0, 5.5, 300.1])],
        {"input": [3, -6], "z_in": -2}),
    "linear/multipliers_below_2_to_minus_10": ((1, 1, 16), [linear(7, **BELOW_2_TO_MINUS_10)], {}),
    "linear/ties": (
        (1, 1, 1), [linear(64, weights=[1] * 64, accumulators=list(range(-32, 32)), weight_scales=TIES[:4] * 16,
                           **UNIT_OUT)], UNIT),
    "linear/ties_per_tensor": (
        (1, 1, 1), [linear(64, weights=[1] * 64, accumulators=list(range(-96, 96, 3)), weight_scales=[1 / 16],
                           **UNIT_OUT)], UNIT),
    "linear/product_of_scales_in_double": ((1, 1, 1), [linear(16, apart_from=ProductInFloat)], {}),
    "linear/product_of_scales_in_double_per_tensor": (
        (1, 1, 1), [linear(16, per_tensor=True, apart_from=ProductInFloat)], {}),
    "linear/product_of_scales_in_double_one_output": ((1, 1, 1), [linear(1, apart_from=ProductInFloat)], {}),
    "linear/stress": ((1, 1, 40), [linear(48, multipliers=spread(-13, -3, 48))], {}),
    "add/one_scale": ((4, 5, 3), [apart(s_out=0.05, z_out=3), add()], {"s_in": 0.05}),
    "add/larger_first": ((4, 5, 3), [apart(s_out=0.07), add()], {"s_in": 0.02}),
    "add/larger_second": ((4, 5, 3), [apart(s_out=0.02), add()], {"s_in": 0.07}),
    "add/input_first": ((4, 5, 3), [apart(s_out=0.03), add(0) | {"from": 1}], {"s_in": 0.02}),
    "add/scales_far_apart": ((4, 4, 3), [apart(s_out=0.0003), add(s_out=0.2)], {"s_in": 0.2}),
    "add/scales_1_to_1000000": ((4, 4, 3), [apart(s_out=1e-6), add(s_out=0.5)], {"s_in": 1.0}),
    "add/fine_output": ((4, 4, 3), [apart(s_out=0.05), add(s_out=0.001)], {"s_in": 0.04}),
    "add/coarse_output": ((4, 4, 3), [apart(s_out=0.05), add(s_out=3.0)], {"s_in": 0.04}),
    "add/relu": ((6, 5, 3), [apart(s_out=0.05), add(**RELU)], {"s_in": 0.04}),
    "add/relu6": ((6, 5, 3), [apart(s_out=0.05, **{"z_out": 2}), add(**RELU6, s_out=0.04)], {"s_in": 0.04}),
    "add/relu_from_the_middle": ((5, 5, 3), [apart(s_out=0.05), add(activation="relu", z_out=-20)], {}),
    "add/relu6_from_the_middle": ((5, 5, 3), [apart(s_out=0.05), add(activation="relu6", z_out=10, s_out=0.1)], {}),
    "add/zero_points_low": ((4, 5, 3), [apart(s_out=0.05, z_out=-128), add(z_out=-128)], {"z_in": -128}),
    "add/zero_points_high": ((4, 5, 3), [apart(s_out=0.05, z_out=127), add(z_out=127)], {"z_in": 127}),
    "add/zero_points_low_high": ((4, 5, 3), [apart(s_out=0.03, z_out=127), add(z_out=0)], {"z_in": -128}),
    "add/itself": ((5, 4, 3), [add(0)], {}),
    "add/itself_and_zero_points": ((5, 4, 3), [add(0, z_out=-128, s_out=0.1)], {"z_in": 127, "s_in": 0.03}),
    "add/every_value_twice": ((16, 16, 1), [add(0, s_out=2.0, z_out=0)], EVERY_INT8),
    "add/every_value_ties": ((16, 16, 1), [add(0, s_out=4.0, z_out=1)], EVERY_INT8),
    "add/every_value_thirds": ((16, 16, 1), [add(0, s_out=6.0, z_out=-1)], EVERY_INT8),
    "add/ties_of_thirds": ((8, 8, 3), [apart(s_out=1 / 3), add(s_out=2 / 3)], {"s_in": 1.0}),
    "add/ties_of_fifths": ((8, 8, 3), [apart(s_out=1.0), add(s_out=0.4)], {"s_in": 0.2}),
    "add/one_channel_one_value": ((1, 1, 3), [apart(s_out=0.05), add()], {}),
    "add/extremes": ((4, 8, 3), [apart(s_out=0.01, per_tensor=True), add(s_out=0.02)], {"s_in": 0.01, "input": LOW_OR_HIGH}),
    "softmax/of_10": ((1, 1, 10), [softmax()], {"s_in": 0.1}),
    "softmax/of_2": ((1, 1, 2), [softmax()], {"s_in": 0.05}),
    "softmax/of_1": ((1, 1, 1), [softmax()], {}),
    "softmax/of_3": ((1, 1, 3), [softmax()], {"s_in": 0.03}),
    "softmax/of_100": ((1, 1, 100), [softmax()], {"s_in": 0.04}),
    "softmax/of_256_values": ((1, 1, 256), [softmax()], EVERY_INT8 | {"s_in": 0.02}),
    "softmax/fine_scale": ((1, 1, 12), [softmax()], {"s_in": 0.001}),
    "softmax/coarse_scale": ((1, 1, 12), [softmax()], {"s_in": 0.9}),
    "softmax/coarser_scale": ((1, 1, 12), [softmax()], {"s_in": 3.7}),
    "softmax/finest_scale": ((1, 1, 12), [softmax()], {"s_in": 1e-6}),
    "softmax/beta_half": ((1, 1, 10), [softmax(0.5)], {"s_in": 0.1}),
    "softmax/beta_3": ((1, 1, 10), [softmax(3.0)], {"s_in": 0.05}),
    "softmax/all_equal": ((1, 1, 7), [softmax()], {"input": [5] * 7, "s_in": 0.1}),
    "softmax/all_lowest": ((1, 1, 9), [softmax()], {"input": [-128] * 9, "s_in": 0.1}),
    "softmax/one_far_above": ((1, 1, 8), [softmax()], {"input": [127] + [-128] * 7, "s_in": 0.3}),
    "softmax/one_just_above": ((1, 1, 8), [softmax()], {"input": [13] + [12] * 7, "s_in": 0.3}),
    "softmax/at_the_end_of_the_range": ((1, 1, 9), [softmax()], {"input": [120, 59, 58, 57, 56, 0, 119, 118, 89], "s_in": 0.5}),
    "softmax/nearly_halves": ((6, 1, 6), [softmax()], {"s_in": 0.0625, "input": NEARLY_HALVES}),
    "softmax/of_each_pixel": ((3, 4, 5), [softmax()], {"s_in": 0.06}),
    "softmax/ramp_of_pairs": ((12, 4, 2), [softmax()], {"input": RAMP, "s_in": 0.25}),
    "softmax/ramp": ((4, 1, 24), [softmax()], {"input": RAMP, "s_in": 0.11}),
    "reshape/to_a_row": ((3, 4, 5), [reshape(1, 1, 60)], {}),
    "reshape/to_a_map": ((1, 1, 24), [reshape(2, 3, 4)], {}),
    "network/vgg_12x12x1_per_channel": (
        (12, 12, 1), [conv2d(8, **RELU), conv2d(8, **RELU), max_pool2d(), conv2d(16, **RELU), max_pool2d(),
                      linear(24, **RELU), linear(10)], {"z_in": -128}),
    "network/vgg_8x8x3_per_tensor_linear": (
        (8, 8, 3), [conv2d(6, **RELU), max_pool2d(), conv2d(10, **RELU), max_pool2d(),
                    linear(12, per_tensor=True, **RELU), linear(5, per_tensor=True)], {"z_in": -3}),
    "network/vgg_9x11x2_valid_and_strided": (
        (9, 11, 2), [conv2d(5, padding="valid", activation="relu", z_out=-40), conv2d(7, stride=2), max_pool2d(), linear(4)],
        {"z_in": 12}),
    "network/resnet_12x10x3": (
        (12, 10, 3), [conv2d(4, **RELU), *residual(4), *residual(6, stride=2), *residual(8, stride=2),
                      average_pool2d([3, 3], 1), linear(5), softmax()], {}),
    "network/mobilenet_16x16x3": (
        (16, 16, 3), [conv2d(4, stride=2, **RELU6), *bottleneck(8), *bottleneck(12, stride=2), *bottleneck(12),
                      average_pool2d(4, 4), conv2d(3, (1, 1)), reshape(1, 1, 3), softmax()], {}),
    "network/keywords_13x10x1": (
        (13, 10, 1), [conv2d(8, (10, 4), stride=2, **RELU), *bottleneck(8), *bottleneck(8), average_pool2d([7, 5], [7, 5]),
                      reshape(1, 1, 8), linear(4), softmax()], {}),
    "network/inverted_8x8x2": (
        (8, 8, 2), [conv2d(4, (1, 1)), conv2d(12, (1, 1), **RELU6), depthwise_conv2d(**RELU6), conv2d(4, (1, 1)), add(3),
                    max_pool2d(3, 2, **SAME), linear(3)], {}),
}
