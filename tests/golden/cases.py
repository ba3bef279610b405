"""The catalogue of golden cases. A wish that a line does not state is drawn by draw.py."""

from arithmetic import INT32_MAX
from mutants import ProductInFloat


def powers(*exponents):
    return [2.0**exponent for exponent in exponents]


def spread(first, last, count):
    return powers(*(first + (last - first) * index / (count - 1) for index in range(count)))


def conv2d(outputs, kernel_hw=(3, 3), stride=1, padding="same", **wishes):
    return {"op": "conv2d", "kernel_hw": list(kernel_hw), "stride": stride, "padding": padding, "outputs": outputs} | wishes


def max_pool2d(window=2, stride=2):
    return {"op": "max_pool2d", "window": window, "stride": stride}


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
    "max_pool2d/even_4x4": ((4, 4, 3), [max_pool2d()], {}),
    "max_pool2d/odd_5x7": ((5, 7, 4), [max_pool2d()], {}),
    "max_pool2d/map_14x14": ((14, 14, 8), [max_pool2d()], {"z_in": -128}),
    "max_pool2d/whole_map": ((2, 2, 5), [max_pool2d()], {}),
    "max_pool2d/window3_stride2": ((7, 8, 2), [max_pool2d(3, 2)], {}),
    "max_pool2d/window2_stride1": ((4, 3, 3), [max_pool2d(2, 1)], {}),
    "max_pool2d/window1_stride2": ((3, 4, 2), [max_pool2d(1, 2)], {}),
    "max_pool2d/all_lowest": ((4, 4, 2), [max_pool2d()], {"input": [-128] * 32}),
    "max_pool2d/all_negative": ((4, 6, 2), [max_pool2d()], {"input": [-128 + index % 101 for index in range(48)]}),
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
    "network/vgg_12x12x1_per_channel": (
        (12, 12, 1), [conv2d(8, **RELU), conv2d(8, **RELU), max_pool2d(), conv2d(16, **RELU), max_pool2d(),
                      linear(24, **RELU), linear(10)], {"z_in": -128}),
    "network/vgg_8x8x3_per_tensor_linear": (
        (8, 8, 3), [conv2d(6, **RELU), max_pool2d(), conv2d(10, **RELU), max_pool2d(),
                    linear(12, per_tensor=True, **RELU), linear(5, per_tensor=True)], {"z_in": -3}),
    "network/vgg_9x11x2_valid_and_strided": (
        (9, 11, 2), [conv2d(5, padding="valid", activation="relu", z_out=-40), conv2d(7, stride=2), max_pool2d(), linear(4)],
        {"z_in": 12}),
}
