"""Write the fixtures of the import: `python3 make.py`, numpy needed, PyTorch not. The same files every time.

A network with every case of the import, on images of 5x6 with 2 channels:
    features.0 Conv2d(2, 3) with bias, features.1 BatchNorm2d(3), ReLU, MaxPool2d(2)
    features.4 Conv2d(3, 4) with bias, ReLU
    classifier.0 Dropout, classifier.1 Linear(4 * 2 * 3, 5) without bias, classifier.2 BatchNorm1d(5), ReLU
    classifier.4 Linear(5, 3) with bias
tiny.pth holds it as torch.save(model.state_dict()) writes it: a ZIP of a pickle and one file a storage. The names of
PyTorch's functions are made here as stand-ins, since a pickle holds only names. tiny.safetensors holds the same.
tiny.txt holds the pixels (HWC) of two images and the logits, computed here by PyTorch's definitions in 64 bits.
"""

import collections
import io
import json
import pathlib
import pickle
import sys
import types
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).parent
# In pixel steps: means of 51, a whole number as the import needs it to be exact, deviations of 60 and 80.
MEAN, STD = np.array([51, 51]) / 255, np.array([60, 80]) / 255
EPSILON = 1e-5


def tensors():
    rng = np.random.default_rng(5)

    def normal(*shape):
        return rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)

    def norm(channels):
        return {
            "weight": rng.uniform(0.5, 1.5, channels).astype(np.float32),
            "bias": rng.normal(0, 0.3, channels).astype(np.float32),
            "running_mean": rng.normal(0, 0.5, channels).astype(np.float32),
            "running_var": rng.uniform(0.5, 2, channels).astype(np.float32),
            "num_batches_tracked": np.array(7, np.int64),
        }

    modules = {
        "features.0": {"weight": normal(3, 2, 3, 3), "bias": normal(3) * 0.3},
        "features.1": norm(3),
        "features.4": {"weight": normal(4, 3, 3, 3), "bias": normal(4) * 0.3},
        "classifier.1": {"weight": normal(5, 24)},
        "classifier.2": norm(5),
        "classifier.4": {"weight": normal(3, 5), "bias": normal(3) * 0.3},
    }
    return {f"{module}.{leaf}": value for module, leaves in modules.items() for leaf, value in leaves.items()}


def logits(t, pixels_hwc):
    def conv(x, name):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        return np.einsum("oidr,ihwdr->ohw", t[f"{name}.weight"], windows) + t[f"{name}.bias"][:, None, None]

    def norm(x, name):
        p = {leaf: t[f"{name}.{leaf}"].reshape(-1, *[1] * (x.ndim - 1)) for leaf in
             ("weight", "bias", "running_mean", "running_var")}
        return p["weight"] * (x - p["running_mean"]) / np.sqrt(p["running_var"] + EPSILON) + p["bias"]

    t = {name: value.astype(np.float64) for name, value in t.items()}
    x = ((pixels_hwc / 255 - MEAN) / STD).transpose(2, 0, 1)
    x = np.maximum(norm(conv(x, "features.0"), "features.1"), 0)
    x = x[:, :4, :6].reshape(3, 2, 2, 3, 2).max((2, 4))
    x = np.maximum(conv(x, "features.4"), 0).reshape(-1)
    x = np.maximum(norm(t["classifier.1.weight"] @ x, "classifier.2"), 0)
    return t["classifier.4.weight"] @ x + t["classifier.4.bias"]


def write_pth(path, t):
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    sys.modules.update({"torch": torch, "torch._utils": utils})
    exec("def _rebuild_tensor_v2(*arguments): pass", utils.__dict__)
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    storages = {}

    class Storage:
        def __init__(self, values):
            self.kind = torch.LongStorage if values.dtype == np.int64 else torch.FloatStorage
            self.key, self.count = str(len(storages)), values.size
            storages[self.key] = values.tobytes()

    class Stored:
        def __init__(self, values):
            self.values = values

        def __reduce__(self):
            strides = tuple(stride // self.values.itemsize for stride in self.values.strides)
            hooks = collections.OrderedDict()
            return utils._rebuild_tensor_v2, (Storage(self.values), 0, self.values.shape, strides, False, hooks)

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return ("storage", thing.kind, thing.key, "cpu", thing.count) if isinstance(thing, Storage) else None

    written = io.BytesIO()
    Pickler(written, 2).dump(collections.OrderedDict((name, Stored(values)) for name, values in t.items()))
    with zipfile.ZipFile(path, "w") as archive:
        files = {"data.pkl": written.getvalue(), "byteorder": b"little", "version": b"3\n"}
        files |= {f"data/{key}": data for key, data in storages.items()}
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(f"tiny/{name}", (1980, 1, 1, 0, 0, 0)), data)


def write_safetensors(path, t):
    header, data = {}, b""
    for name, values in sorted(t.items()):
        kind = "I64" if values.dtype == np.int64 else "F32"
        offsets = [len(data), len(data) + values.nbytes]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": offsets}
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def main():
    t = tensors()
    write_pth(HERE / "tiny.pth", t)
    write_safetensors(HERE / "tiny.safetensors", t)
    images = np.random.default_rng(6).integers(0, 256, (2, 5, 6, 2))
    lines = [" ".join(map(str, row)) for image in images for row in (image.ravel(), logits(t, image))]
    (HERE / "tiny.txt").write_text("\n".join(lines) + "\n")


main()
