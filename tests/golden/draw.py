"""Turn a line of the catalogue into a case, from a seed that is the case's name: adding one changes no other."""

import zlib

import numpy as np
from arithmetic import INT32_MAX, Arithmetic, quantize_multiplier

EXACT = Arithmetic()
WEIGHTS = {"conv2d": "weights_ohwi", "linear": "weights_oi", "depthwise_conv2d": "weights_ohw"}
SHAPE = ("op", "from", "kernel_hw", "stride", "padding", "window", "outputs", "multiplier")


def float32(value):
    """TFLite stores scales as float32; a case holds that very value."""
    return float(np.float32(value))


def draw(name, input_hwc, layers, wishes):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    case = {
        "input_hwc": list(input_hwc),
        "input_scale": float32(wishes.get("s_in", rng.uniform(0.005, 0.05))),
        "input_zero_point": wishes.get("z_in", int(rng.integers(-100, 100))),
        "input": wishes.get("input", rng.integers(-128, 128, np.prod(input_hwc)).tolist()),
        "layers": [],
    }
    for layer in layers:
        case["layers"].append(drawn(rng, case, layer))
    return case


def drawn(rng, case, layer):
    if layer["op"] in WEIGHTS:
        return weighted(rng, Flow(case, layer), layer)
    if layer["op"] == "add":
        wishes = {"output_scale": float32(layer.get("s_out", rng.uniform(0.02, 0.2))),
                  "output_zero_point": layer.get("z_out", int(rng.integers(-30, 30)))}
        return {key: value for key, value in layer.items() if key not in ("s_out", "z_out")} | wishes
    return layer


class Flow:
    """What reaches the next layer of a case: the values and how they are quantized."""

    def __init__(self, case, layer):
        self.values, self.scale, self.zero_point = EXACT.tensors(case)[-1 - layer.get("from", 0)]


def weighted(rng, flow, wish):
    key, channels = WEIGHTS[wish["op"]], flow.values.shape[2]
    outputs = wish.get("outputs") or channels * wish["multiplier"]
    inputs = {"conv2d": lambda: np.prod(wish["kernel_hw"]) * channels, "linear": lambda: flow.values.size,
              "depthwise_conv2d": lambda: np.prod(wish["kernel_hw"])}[wish["op"]]()
    layer = {name: wish[name] for name in SHAPE if name in wish} | {
        "activation": wish.get("activation", "none"),
        key: wish.get("weights", rng.integers(-127, 128, outputs * inputs).tolist()),
        "weight_scales": None,
        "bias": [0] * outputs,
        "output_scale": float32(wish.get("s_out", rng.uniform(0.02, 0.2))),
        "output_zero_point": wish.get("z_out", int(rng.integers(-30, 30))),
    }
    sums = EXACT.accumulate(flow.values, flow.zero_point, layer)
    rms = max(1.0, float(np.sqrt(np.mean(np.square(sums.astype(np.float64))))))
    layer["weight_scales"] = weight_scales(rng, flow, wish, layer, rms)
    layer["bias"] = bias(rng, flow, wish, layer, sums, rms)
    refuse_overflow(layer, flow, key)
    return layer


def weight_scales(rng, flow, wish, layer, rms):
    """Unasked, multipliers that spread the sums over int8, with some saturation."""
    count = 1 if wish.get("per_tensor") else len(layer["bias"])
    if "apart_from" in wish:
        multipliers = 2.0 ** rng.uniform(-22.5, -21.5, count)
    else:
        multipliers = wish.get("multipliers", 50 / rms * 2.0 ** rng.uniform(-0.7, 0.7, count))
    return wish.get("weight_scales", [float32(m * layer["output_scale"] / flow.scale) for m in multipliers])


def bias(rng, flow, wish, layer, sums, rms):
    span = wish.get("bias_span", int(rms) + 1)
    accumulators = wish.get("accumulators")
    if "apart_from" in wish:
        accumulators = telling_accumulators(rng, flow, layer, wish["apart_from"]())
    if accumulators is not None:
        return (np.array(accumulators) - sums[0, 0]).tolist()
    return wish.get("bias", rng.integers(-span, span + 1, len(layer["bias"])).tolist())


def telling_accumulators(rng, flow, layer, mutant):
    """For each output an accumulator that the exact rule and the mutant's take to different sides of a rounding."""
    ratios = np.array(layer["weight_scales"]) * flow.scale / layer["output_scale"]
    edges = rng.permutation(np.arange(-90, 90))[:, None] + 0.5
    near = np.rint(edges / np.broadcast_to(ratios, len(layer["bias"]))).astype(np.int64)
    candidates = np.concatenate([near + offset for offset in range(-40, 41)])[:, None, :]
    differ = EXACT.requantize(candidates, flow.scale, layer) != mutant.requantize(candidates, flow.scale, layer)
    assert differ.any(axis=(0, 1)).all(), "a channel whose multipliers cannot be told apart: choose other scales"
    return np.take_along_axis(candidates, differ.argmax(axis=0)[None], axis=0)[0, 0].tolist()


def refuse_overflow(layer, flow, key):
    """No golden case is one that `Model::parse` may refuse: with 128 to spare, so that adding z_out cannot wrap either."""
    sums = np.abs(np.array(layer[key], np.int64)).reshape(len(layer["bias"]), -1).sum(axis=1)
    worst = np.abs(np.array(layer["bias"], np.int64)) + 255 * sums
    ratios = np.array(layer["weight_scales"]) * flow.scale / layer["output_scale"]
    shifts = [max(quantize_multiplier(ratio)[1], 0) for ratio in ratios]
    assert ((worst << np.array(shifts)) <= INT32_MAX - 128).all(), f"an accumulator may overflow: {worst} << {shifts}"
