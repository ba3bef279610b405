"""Small .tflite networks, and what TensorFlow Lite Micro answers to them.

`make.py` writes every case again, the same bytes each time; `make.py --given FILE...` writes the answers of networks that are
here already. Run it in the environment of ../golden.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "golden"))

import flatbuffers  # noqa: E402
from oracle import require_version, runtime, schema  # noqa: E402

IMAGES = 8
GIVEN_IMAGES = 100
OPS = schema.BuiltinOperator
OPTIONS = schema.BuiltinOptions
INT8, UINT8, INT32, FLOAT32 = (getattr(schema.TensorType, name) for name in ("INT8", "UINT8", "INT32", "FLOAT32"))
FUSED = {name.lower(): getattr(schema.ActivationFunctionType, name) for name in ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")}
PADDING = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}
PROBABILITY = (1 / 256, -128)


def noise(state, count):
    """The inputs' generator, which the tests have too: Knuth's MMIX, its upper byte."""
    values = []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(state >> 56)
    return state, np.array(values, np.uint8).view(np.int8)


class Net:
    """A graph that grows operator by operator; every method returns the number of the tensor that it makes."""

    def __init__(self, name):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.buffers, self.tensors, self.operators, self.codes = [schema.BufferT()], [], [], []
        self.inputs, self.output = [], None

    def tensor(self, shape, kind, quantization=None, data=None):
        if data is not None:
            self.buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
        self.tensors.append(schema.TensorT(
            shape=list(shape), type=kind, buffer=len(self.buffers) - 1 if data is not None else 0,
            name=f"t{len(self.tensors)}", quantization=quantization))
        return len(self.tensors) - 1

    def value(self, shape, quantization, kind=INT8):
        parameters = None
        if quantization is not None:
            parameters = schema.QuantizationParametersT(scale=[quantization[0]], zeroPoint=[quantization[1]])
        return self.tensor(shape, kind, parameters)

    def input(self, shape, quantization=(0.02, -5), kind=INT8):
        self.inputs = [self.value(shape, quantization, kind)]
        return self.inputs[0]

    def integers(self, values):
        values = np.array(values, np.int32)
        return self.tensor(values.shape, INT32, data=values)

    def weights(self, shape, scales, axis):
        values = self.rng.integers(-127, 128, shape).astype(np.int8)
        quantization = schema.QuantizationParametersT(
            scale=scales.astype(np.float32), zeroPoint=[0] * len(scales), quantizedDimension=axis if len(scales) > 1 else 0)
        return self.tensor(shape, INT8, quantization, values)

    def bias(self, scales, outputs, span):
        values = self.rng.integers(-span, span + 1, outputs).astype(np.int32)
        quantization = schema.QuantizationParametersT(scale=scales.astype(np.float32), zeroPoint=[0] * len(scales))
        return self.tensor([outputs], INT32, quantization, values)

    def operator(self, code, inputs, outputs, options_type=0, options=None, version=1):
        self.codes.append(schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version))
        self.operators.append(schema.OperatorT(
            opcodeIndex=len(self.codes) - 1, inputs=inputs, outputs=outputs,
            builtinOptionsType=options_type, builtinOptions=options))
        return outputs[0]

    def scale(self, tensor):
        return float(self.tensors[tensor].quantization.scale[0])

    def zero_point(self, tensor):
        return int(self.tensors[tensor].quantization.zeroPoint[0])

    def shape(self, tensor):
        return self.tensors[tensor].shape

    def weighted(self, x, shape, axis, inputs, quantization, bias=True, per_tensor=False):
        """Weights and bias whose sums spread over int8."""
        outputs = shape[axis]
        jitter = 2.0 ** self.rng.uniform(-0.7, 0.7, 1 if per_tensor else outputs)
        scales = jitter / (120 * np.sqrt(inputs)) * quantization[0] / self.scale(x)
        weights = self.weights(shape, scales, axis)
        return [weights, self.bias(self.scale(x) * scales, outputs, int(2000 * np.sqrt(inputs)))] if bias else [weights, -1]

    def conv2d(self, x, outputs, kernel=(3, 3), stride=(1, 1), padding="same", act="none", q=(0.05, 3), dilation=(1, 1), **how):
        _, height, width, channels = self.shape(x)
        constants = self.weighted(x, [outputs, *kernel, channels], 0, np.prod(kernel) * channels, q, **how)
        options = schema.Conv2DOptionsT(
            padding=PADDING[padding], strideH=stride[0], strideW=stride[1], fusedActivationFunction=FUSED[act],
            dilationHFactor=dilation[0], dilationWFactor=dilation[1])
        out = self.value([1, *sliding((height, width), kernel, stride, padding, dilation), outputs], q)
        return self.operator(OPS.CONV_2D, [x, *constants], [out], OPTIONS.Conv2DOptions, options, 3)

    def depthwise_conv2d(self, x, multiplier=1, kernel=(3, 3), stride=(1, 1), padding="same", act="none", q=(0.05, 3), **how):
        _, height, width, channels = self.shape(x)
        constants = self.weighted(x, [1, *kernel, channels * multiplier], 3, np.prod(kernel), q, **how)
        options = schema.DepthwiseConv2DOptionsT(
            padding=PADDING[padding], strideH=stride[0], strideW=stride[1], depthMultiplier=multiplier,
            fusedActivationFunction=FUSED[act], dilationHFactor=1, dilationWFactor=1)
        # The oracle dies of a bias that is named but left out.
        constants = [constant for constant in constants if constant >= 0]
        out = self.value([1, *sliding((height, width), kernel, stride, padding), channels * multiplier], q)
        return self.operator(
            OPS.DEPTHWISE_CONV_2D, [x, *constants], [out], OPTIONS.DepthwiseConv2DOptions, options, 3)

    def linear(self, x, outputs, act="none", q=(0.05, 3), **how):
        inputs = int(np.prod(self.shape(x)))
        constants = self.weighted(x, [outputs, inputs], 0, inputs, q, **how)
        options = schema.FullyConnectedOptionsT(fusedActivationFunction=FUSED[act])
        out = self.value([1, outputs], q)
        return self.operator(OPS.FULLY_CONNECTED, [x, *constants], [out], OPTIONS.FullyConnectedOptions, options, 4)

    def pool(self, code, x, window=(2, 2), stride=(2, 2), padding="valid", act="none"):
        _, height, width, channels = self.shape(x)
        options = schema.Pool2DOptionsT(
            padding=PADDING[padding], strideH=stride[0], strideW=stride[1], filterHeight=window[0], filterWidth=window[1],
            fusedActivationFunction=FUSED[act])
        shape = [1, *sliding((height, width), window, stride, padding), channels]
        out = self.value(shape, (self.scale(x), self.zero_point(x)))
        return self.operator(code, [x], [out], OPTIONS.Pool2DOptions, options, 2)

    def max_pool2d(self, x, *args, **how):
        return self.pool(OPS.MAX_POOL_2D, x, *args, **how)

    def average_pool2d(self, x, *args, **how):
        return self.pool(OPS.AVERAGE_POOL_2D, x, *args, **how)

    def add(self, x, y, act="none", q=(0.07, -9)):
        options = schema.AddOptionsT(fusedActivationFunction=FUSED[act])
        return self.operator(OPS.ADD, [x, y], [self.value(self.shape(x), q)], OPTIONS.AddOptions, options, 2)

    def mean(self, x, q=None, keep=False, axes=(1, 2)):
        channels = self.shape(x)[3]
        out = self.value([1, 1, 1, channels] if keep else [1, channels], q or (self.scale(x), self.zero_point(x)))
        options = schema.ReducerOptionsT(keepDims=keep)
        return self.operator(OPS.MEAN, [x, self.integers(axes)], [out], OPTIONS.ReducerOptions, options, 2)

    def softmax(self, x, beta=1.0):
        out = self.value(self.shape(x), PROBABILITY)
        return self.operator(OPS.SOFTMAX, [x], [out], OPTIONS.SoftmaxOptions, schema.SoftmaxOptionsT(beta=beta), 2)

    def reshape(self, x, shape):
        out = self.value(shape, (self.scale(x), self.zero_point(x)))
        options = schema.ReshapeOptionsT(newShape=list(shape))
        return self.operator(OPS.RESHAPE, [x, self.integers(shape)], [out], OPTIONS.ReshapeOptions, options)

    def squeeze(self, x, dimensions):
        shape = [size for index, size in enumerate(self.shape(x)) if index not in dimensions]
        out = self.value(shape, (self.scale(x), self.zero_point(x)))
        options = schema.SqueezeOptionsT(squeezeDims=list(dimensions))
        return self.operator(OPS.SQUEEZE, [x], [out], OPTIONS.SqueezeOptions, options)

    def expand_dims(self, x, axis):
        shape = list(self.shape(x))
        shape.insert(axis, 1)
        out = self.value(shape, (self.scale(x), self.zero_point(x)))
        return self.operator(OPS.EXPAND_DIMS, [x, self.integers([axis])], [out])

    def pad(self, x, rows, columns, value=None):
        _, height, width, channels = self.shape(x)
        out = self.value([1, height + sum(rows), width + sum(columns), channels], (self.scale(x), self.zero_point(x)))
        amounts = self.integers([[0, 0], list(rows), list(columns), [0, 0]])
        if value is None:
            return self.operator(OPS.PAD, [x, amounts], [out], OPTIONS.PadOptions, schema.PadOptionsT())
        quantization = schema.QuantizationParametersT(scale=[self.scale(x)], zeroPoint=[self.zero_point(x)])
        constant = self.tensor([1], INT8, quantization, np.array([value], np.int8))
        return self.operator(OPS.PADV2, [x, amounts, constant], [out], OPTIONS.PadV2Options, schema.PadV2OptionsT())

    def unary(self, code, x, q=None, kind=INT8, version=1):
        """RELU, RELU6, QUANTIZE or DEQUANTIZE."""
        out = self.value(self.shape(x), q or (self.scale(x), self.zero_point(x)), kind)
        return self.operator(code, [x], [out], version=version)

    def bytes(self, output, order=None):
        operators = self.operators if order is None else [self.operators[index] for index in order]
        graph = schema.SubGraphT(tensors=self.tensors, inputs=self.inputs, outputs=[output], operators=operators)
        model = schema.ModelT(version=3, operatorCodes=self.codes, subgraphs=[graph], buffers=self.buffers)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def sliding(size, kernel, stride, padding, dilation=(1, 1)):
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    if padding == "same":
        return [-(-n // s) for n, s in zip(size, stride)]
    return [(n - k) // s + 1 for n, k, s in zip(size, reach, stride)]


RELU_Q = (0.04, -128)
CASES = {}


def case(build):
    CASES[build.__name__] = build
    return build


@case
def convolutions(net):
    x = net.conv2d(net.input([1, 9, 8, 3]), 5, stride=(2, 1), act="relu6", q=(0.0235, -128))
    x = net.conv2d(x, 6, (1, 1), act="relu", q=RELU_Q, per_tensor=True)
    x = net.conv2d(x, 7, (2, 3), padding="valid", act="relu_n1_to_1", q=(0.01, 10))
    return net.conv2d(x, 4, (1, 3), stride=(1, 2), bias=False)


@case
def depthwise_convolutions(net):
    x = net.depthwise_conv2d(net.input([1, 8, 7, 1]), 4, (5, 3), (2, 2), act="relu", q=RELU_Q)
    x = net.depthwise_conv2d(x, act="relu6", q=(0.0235, -128))
    x = net.depthwise_conv2d(x, 3, stride=(2, 1), per_tensor=True)
    return net.depthwise_conv2d(x, 1, (2, 2), padding="valid", bias=False)


@case
def residual(net):
    x = net.conv2d(net.input([1, 6, 6, 2]), 8, act="relu", q=RELU_Q)
    y = net.conv2d(x, 8, act="relu", q=(0.03, -128))
    x = net.add(net.conv2d(y, 8, q=(0.06, 4)), x, act="relu", q=(0.05, -128))
    y = net.conv2d(x, 12, stride=(2, 2), act="relu", q=RELU_Q)
    y = net.conv2d(y, 12, q=(0.05, -7))
    x = net.add(net.conv2d(x, 12, (1, 1), (2, 2), q=(0.02, 11)), y, q=(0.1, 0))
    x = net.average_pool2d(x, (3, 3), (3, 3))
    return net.softmax(net.linear(net.reshape(x, [1, 12]), 5, q=(0.1, 20)))


@case
def added_to_itself(net):
    x = net.conv2d(net.input([1, 4, 5, 3]), 4)
    return net.add(net.add(x, x, act="relu6", q=(0.03, -100)), x, act="relu_n1_to_1", q=(0.01, 5))


@case
def means(net):
    x = net.mean(net.conv2d(net.input([1, 7, 7, 3]), 6, act="relu", q=RELU_Q))
    return net.linear(x, 4)


@case
def means_of_both_signs(net):
    x = net.conv2d(net.input([1, 5, 6, 3]), 9, q=(0.05, 13))
    return net.mean(x, keep=True, axes=(-2, 1))


@case
def means_rescaled(net):
    return net.mean(net.input([1, 4, 4, 40], (0.05, -20)), q=(0.0317, 9))


@case
def means_of_many(net):
    return net.mean(net.input([1, 12, 11, 7], (0.05, -3)), q=(0.0021, 55))


@case
def pads(net):
    x = net.pad(net.input([1, 7, 6, 2], (0.02, 17)), (0, 1), (0, 1))
    x = net.conv2d(x, 4, stride=(2, 2), padding="valid", act="relu", q=RELU_Q)
    x = net.pad(x, (1, 1), (1, 0), value=-128)
    return net.depthwise_conv2d(x, 2, padding="same")


@case
def max_pools(net):
    x = net.conv2d(net.input([1, 11, 9, 3]), 6, act="relu", q=RELU_Q)
    x = net.max_pool2d(x, act="relu6")
    x = net.max_pool2d(x, (3, 3), (2, 2), "same")
    y = net.conv2d(x, 5)
    return net.add(net.max_pool2d(y, (2, 2), (1, 1), "same"), y)


@case
def average_pools(net):
    x = net.average_pool2d(net.input([1, 8, 7, 5]), (3, 2), (2, 1), "same", act="relu")
    x = net.average_pool2d(x, (2, 2), (1, 1), act="relu6")
    return net.average_pool2d(x, (3, 3), (2, 2), act="relu_n1_to_1")


@case
def shapes(net):
    x = net.reshape(net.input([1, 96]), [1, 4, 6, 4])
    x = net.reshape(net.conv2d(x, 6), [1, 12, 4, 3])
    x = net.squeeze(net.conv2d(x, 5, (12, 4), padding="valid"), (1, 2))
    x = net.expand_dims(net.expand_dims(x, 1), 1)
    return net.squeeze(net.conv2d(x, 6, (1, 1)), (1,))


@case
def clamps(net):
    x = net.unary(OPS.RELU, net.conv2d(net.input([1, 5, 4, 3]), 4, q=(0.05, -20)))
    y = net.unary(OPS.RELU6, net.depthwise_conv2d(x, q=(0.06, -11)))
    z = net.unary(OPS.RELU6, y)
    x = net.unary(OPS.RELU, net.add(y, z, q=(0.09, 3)), q=(0.05, -128))
    return net.unary(OPS.QUANTIZE, x, q=(0.031, 7), version=2)


@case
def linear(net):
    x = net.linear(net.input([1, 3, 2, 5]), 9, act="relu", q=RELU_Q, per_tensor=True)
    x = net.linear(x, 7, act="relu6", q=(0.0235, -128))
    return net.linear(x, 5, act="relu_n1_to_1", q=(0.009, 2), bias=False)


@case
def softmax_over_channels(net):
    return net.softmax(net.conv2d(net.input([1, 3, 4, 3]), 5, q=(0.13, 30)), beta=0.7)


def ends(net, kind, quantization):
    """A network whose ends are not int8, and the tensors of its int8 ends."""
    x = net.input([1, 4, 4, 2], quantization, kind)
    start = net.unary(OPS.QUANTIZE, x, q=(0.02, -5), version=2)
    end = net.linear(net.conv2d(start, 3, act="relu", q=RELU_Q), 4)
    code = OPS.DEQUANTIZE if kind == FLOAT32 else OPS.QUANTIZE
    last = net.unary(code, end, q=quantization and (0.05, 131), kind=kind, version=2)
    return start, end, last


def write(name, network, answers=None, images=IMAGES):
    (HERE / f"{name}.tflite").write_bytes(network)
    write_answers(name, answers or network, images)


def write_answers(name, network, images):
    interpreter = runtime.Interpreter.from_bytes(network, arena_size=1 << 20)
    shape = interpreter.get_input_details(0)["shape"]
    state, outputs = zlib.crc32(name.encode()), []
    for _ in range(images):
        state, values = noise(state, int(np.prod(shape)))
        interpreter.set_input(values.reshape(shape), 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).flatten().tolist())
    text = json.dumps({"oracle": require_version(), "outputs": outputs}, separators=(",", ":"))
    (HERE / f"{name}.json").write_text(text.replace("],[", "],\n[") + "\n")


def main():
    if sys.argv[1:2] == ["--given"]:
        for path in map(Path, sys.argv[2:]):
            write_answers(path.stem, path.read_bytes(), GIVEN_IMAGES)
        return
    for name, build in CASES.items():
        net = Net(name)
        write(name, net.bytes(build(net)))
    for name, kind, quantization in (("float_ends", FLOAT32, None), ("unsigned_ends", UINT8, (0.02, 123))):
        net = Net(name)
        start, end, last = ends(net, kind, quantization)
        whole = net.bytes(last)
        net.inputs, net.operators = [start], net.operators[1:-1]
        write(name, whole, net.bytes(end))
    net = Net("unordered")
    output = residual(net)
    count = len(net.operators)
    write("unordered", net.bytes(output, order=range(count - 1, -1, -1)), net.bytes(output))


if __name__ == "__main__":
    main()
