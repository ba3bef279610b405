"""Run layers through TensorFlow Lite Micro: the judge of every golden case.

A case's layers become a .tflite model, built by hand with the schema module that the package carries (no TensorFlow).
"""

import numpy as np
import tflite_micro
from tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

import flatbuffers
from arithmetic import kernel_hw, output_hwc, output_quantization, pair

VERSION = "0.dev20261023182759-g8f6596d"
ARENA_BYTES = 1 << 20

OPS = schema.BuiltinOperator
OPTIONS = schema.BuiltinOptions
PADDING = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}
ACTIVATION = {"none": schema.ActivationFunctionType.NONE, "relu": schema.ActivationFunctionType.RELU,
              "relu6": schema.ActivationFunctionType.RELU6}


def require_version():
    """Golden files are only comparable when one build made them all."""
    if tflite_micro.__version__ != VERSION:
        raise SystemExit(f"tflite-micro is {tflite_micro.__version__}, not {VERSION}: pip install -r requirements.txt")
    return f"tflite-micro {VERSION}"


def expected(case):
    """The output of every layer, each read as the output of a model that stops there."""
    layers = case["layers"]
    return [run(case, layers[: count + 1]) for count in range(len(layers))]


def run(case, layers):
    interpreter = runtime.Interpreter.from_bytes(bytes(Builder(case, layers).finish()), arena_size=ARENA_BYTES)
    interpreter.set_input(np.array(case["input"], np.int8).reshape(1, *case["input_hwc"]), 0)
    interpreter.invoke()
    return interpreter.get_output(0).flatten().tolist()


class Builder:
    """One subgraph. `self.flow` has the input and every layer's output: index of the tensor, shape, quantization."""

    def __init__(self, case, layers):
        self.buffers = [schema.BufferT()]
        self.tensors, self.operators, self.codes = [], [], []
        self.hwc, self.quantization = case["input_hwc"], (case["input_scale"], case["input_zero_point"])
        self.last = self.activation([1, *self.hwc])
        self.flow = [(self.last, self.hwc, self.quantization)]
        for layer in layers:
            self.last, self.hwc, self.quantization = self.flow[-1 - layer.get("from", 0)]
            getattr(self, layer["op"])(layer)
            self.hwc = output_hwc(layer, self.hwc)
            self.flow.append((self.last, self.hwc, self.quantization))

    def finish(self):
        graph = schema.SubGraphT(tensors=self.tensors, inputs=[0], outputs=[self.last], operators=self.operators)
        model = schema.ModelT(version=3, operatorCodes=self.codes, subgraphs=[graph], buffers=self.buffers)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return builder.Output()

    def conv2d(self, layer):
        height, width = layer["kernel_hw"]
        shape = [layer["outputs"], height, width, self.hwc[2]]
        constants = self.weights_and_bias(layer, "weights_ohwi", shape)
        options = schema.Conv2DOptionsT(
            padding=PADDING[layer["padding"]], strideH=pair(layer["stride"])[0], strideW=pair(layer["stride"])[1],
            fusedActivationFunction=ACTIVATION[layer["activation"]])
        self.quantization = layer["output_scale"], layer["output_zero_point"]
        self.operator(OPS.CONV_2D, OPTIONS.Conv2DOptions, options, constants, [1, *output_hwc(layer, self.hwc)])

    def depthwise_conv2d(self, layer):
        height, width = layer["kernel_hw"]
        outputs = self.hwc[2] * layer["multiplier"]
        weights = np.array(layer["weights_ohw"]).reshape(outputs, height, width).transpose(1, 2, 0)
        layer = layer | {"outputs": outputs, "weights_hwo": weights.flatten().tolist()}
        constants = self.weights_and_bias(layer, "weights_hwo", [1, height, width, outputs], axis=3)
        options = schema.DepthwiseConv2DOptionsT(
            padding=PADDING[layer["padding"]], strideH=pair(layer["stride"])[0], strideW=pair(layer["stride"])[1],
            depthMultiplier=layer["multiplier"], fusedActivationFunction=ACTIVATION[layer["activation"]],
            dilationHFactor=1, dilationWFactor=1)
        self.quantization = layer["output_scale"], layer["output_zero_point"]
        self.operator(OPS.DEPTHWISE_CONV_2D, OPTIONS.DepthwiseConv2DOptions, options, constants,
                      [1, *output_hwc(layer, self.hwc)])

    def max_pool2d(self, layer):
        self.pool2d(layer, OPS.MAX_POOL_2D)

    def average_pool2d(self, layer):
        self.pool2d(layer, OPS.AVERAGE_POOL_2D)

    def pool2d(self, layer, code):
        (height, width), stride = kernel_hw(layer), pair(layer["stride"])
        options = schema.Pool2DOptionsT(
            padding=PADDING[layer.get("padding", "valid")], strideH=stride[0], strideW=stride[1],
            filterHeight=height, filterWidth=width,
            fusedActivationFunction=ACTIVATION[layer.get("activation", "none")])
        self.operator(code, OPTIONS.Pool2DOptions, options, [], [1, *output_hwc(layer, self.hwc)])

    def add(self, layer):
        other = self.flow[-1 - layer["other"]][0]
        options = schema.AddOptionsT(fusedActivationFunction=ACTIVATION[layer["activation"]])
        self.quantization = layer["output_scale"], layer["output_zero_point"]
        self.operator(OPS.ADD, OPTIONS.AddOptions, options, [other], self.tensors[self.last].shape)

    def softmax(self, layer):
        self.quantization = output_quantization(layer, *self.quantization)
        self.operator(OPS.SOFTMAX, OPTIONS.SoftmaxOptions, schema.SoftmaxOptionsT(layer["beta"]), [],
                      self.tensors[self.last].shape)

    def reshape(self, layer):
        shape = [1, *layer["shape_hwc"]]
        constant = self.constant(np.array(shape, np.int32), [4], schema.TensorType.INT32)
        self.operator(OPS.RESHAPE, OPTIONS.ReshapeOptions, schema.ReshapeOptionsT(shape), [constant], shape)

    def linear(self, layer):
        inputs = int(np.prod(self.hwc))
        self.flatten(inputs)
        constants = self.weights_and_bias(layer, "weights_oi", [layer["outputs"], inputs])
        options = schema.FullyConnectedOptionsT(fusedActivationFunction=ACTIVATION[layer["activation"]])
        self.quantization = layer["output_scale"], layer["output_zero_point"]
        self.operator(OPS.FULLY_CONNECTED, OPTIONS.FullyConnectedOptions, options, constants, [1, layer["outputs"]])

    def flatten(self, inputs):
        shape = self.constant(np.array([1, inputs], np.int32), [2], schema.TensorType.INT32)
        self.operator(OPS.RESHAPE, OPTIONS.ReshapeOptions, schema.ReshapeOptionsT([1, inputs]), [shape], [1, inputs])

    def weights_and_bias(self, layer, key, shape, axis=0):
        scales = np.array(layer["weight_scales"], np.float32)
        weights = self.constant(np.array(layer[key], np.int8), shape, schema.TensorType.INT8, scales, axis)
        # A per-tensor FULLY_CONNECTED refuses a bias whose scale is not about s_in * s_w.
        bias_scales = np.float32(self.quantization[0]) * scales
        bias = self.constant(np.array(layer["bias"], np.int32), [layer["outputs"]], schema.TensorType.INT32, bias_scales)
        return [weights, bias]

    def operator(self, code, options_type, options, constants, output_shape):
        self.codes.append(schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code))
        inputs, self.last = [self.last, *constants], self.activation(output_shape)
        self.operators.append(schema.OperatorT(
            opcodeIndex=len(self.codes) - 1, inputs=inputs, outputs=[self.last],
            builtinOptionsType=options_type, builtinOptions=options))

    def activation(self, shape):
        scale, zero_point = self.quantization
        quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero_point])
        return self.tensor(shape, schema.TensorType.INT8, 0, quantization)

    def constant(self, values, shape, kind, scales=None, axis=0):
        self.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        quantization = None
        if scales is not None:
            quantization = schema.QuantizationParametersT(
                scale=scales, zeroPoint=[0] * len(scales), quantizedDimension=axis)
        return self.tensor(shape, kind, len(self.buffers) - 1, quantization)

    def tensor(self, shape, kind, buffer, quantization):
        self.tensors.append(schema.TensorT(
            shape=shape, type=kind, buffer=buffer, name=f"t{len(self.tensors)}", quantization=quantization))
        return len(self.tensors) - 1
