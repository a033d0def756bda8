"""Runs signatures of a SavedModel through TensorFlow's C API, without its Python.

    python c_api.py FOLDER REQUESTS RESULTS

REQUESTS is a pickled dictionary: for each signature the inputs, arrays by the names of
tensors, and the names of the output tensors. RESULTS gets the list of output arrays of
each signature. Strings are arrays of `bytes` objects.
"""

import ctypes
import importlib.metadata
import pathlib
import pickle
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p

import numpy as np

assert "tensorflow" not in sys.modules
sys.modules["tensorflow"] = None  # Nothing below can import it.

NAME = "libtensorflow_cc.so.2"
STRING, STRING_BYTES = 7, 24  # of TF_TString
TYPES = {1: "float32", 2: "float64", 3: "int32", 9: "int64"}
(LIBRARY,) = (f for f in importlib.metadata.files("tensorflow") if f.name == NAME)
LIBRARY = ctypes.CDLL(str(LIBRARY.locate()))


class Output(ctypes.Structure):
    _fields_ = [("operation", c_void_p), ("index", c_int)]


def function(name, result, *arguments):
    found = getattr(LIBRARY, name)
    found.restype, found.argtypes = result, arguments
    return found


new_status = function("TF_NewStatus", c_void_p)
get_code = function("TF_GetCode", c_int, c_void_p)
message = function("TF_Message", c_char_p, c_void_p)
new_options = function("TF_NewSessionOptions", c_void_p)
new_graph = function("TF_NewGraph", c_void_p)
load = function(
    "TF_LoadSessionFromSavedModel",
    c_void_p,
    *(c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int),
    *(c_void_p, c_void_p, c_void_p),
)
run_session = function(
    "TF_SessionRun",
    None,
    *(c_void_p, c_void_p),
    *(POINTER(Output), POINTER(c_void_p), c_int),
    *(POINTER(Output), POINTER(c_void_p), c_int),
    *(c_void_p, c_int, c_void_p, c_void_p),
)
operation_of = function("TF_GraphOperationByName", c_void_p, c_void_p, c_char_p)
allocate = function(
    "TF_AllocateTensor", c_void_p, c_int, POINTER(c_int64), c_int, c_size_t
)
data_of = function("TF_TensorData", c_void_p, c_void_p)
type_of = function("TF_TensorType", c_int, c_void_p)
rank_of = function("TF_NumDims", c_int, c_void_p)
length_of = function("TF_Dim", c_int64, c_void_p, c_int)
string_init = function("TF_StringInit", None, c_void_p)
string_copy = function("TF_StringCopy", None, c_void_p, c_char_p, c_size_t)
string_data = function("TF_StringGetDataPointer", c_void_p, c_void_p)
string_size = function("TF_StringGetSize", c_size_t, c_void_p)

STATUS = new_status()


def check():
    if get_code(STATUS):
        raise RuntimeError(message(STATUS).decode())


def to_tensor(array):
    dimensions = (c_int64 * array.ndim)(*array.shape)
    if array.dtype != object:
        (kind,) = (k for k, name in TYPES.items() if name == array.dtype)
        tensor = allocate(kind, dimensions, array.ndim, array.nbytes)
        ctypes.memmove(data_of(tensor), array.tobytes(), array.nbytes)
        return tensor
    tensor = allocate(STRING, dimensions, array.ndim, array.size * STRING_BYTES)
    for i, text in enumerate(array.flat):
        place = data_of(tensor) + i * STRING_BYTES
        string_init(place)
        string_copy(place, text, len(text))
    return tensor


def to_array(tensor):
    shape = [length_of(tensor, i) for i in range(rank_of(tensor))]
    count, data, kind = int(np.prod(shape)), data_of(tensor), type_of(tensor)
    if kind != STRING:
        size = count * np.dtype(TYPES[kind]).itemsize
        return np.frombuffer(ctypes.string_at(data, size), TYPES[kind]).reshape(shape)
    texts = np.empty(count, object)
    for i in range(count):
        place = data + i * STRING_BYTES
        texts[i] = ctypes.string_at(string_data(place), string_size(place))
    return texts.reshape(shape)


def output(graph, tensor_name):
    name, index = tensor_name.split(":")
    return Output(operation_of(graph, name.encode()), int(index))


def main(folder, requests, results):
    graph = new_graph()
    tags = (c_char_p * 1)(b"serve")
    options = new_options()
    session = load(options, None, folder.encode(), tags, 1, graph, None, STATUS)
    check()
    found = {}
    for name, (inputs, outputs) in pickle.loads(
        pathlib.Path(requests).read_bytes()
    ).items():
        values = (c_void_p * len(outputs))()
        run_session(
            session,
            None,
            (Output * len(inputs))(*(output(graph, each) for each in inputs)),
            (c_void_p * len(inputs))(*map(to_tensor, inputs.values())),
            len(inputs),
            (Output * len(outputs))(*(output(graph, each) for each in outputs)),
            values,
            len(outputs),
            *(None, 0, None, STATUS),
        )
        check()
        found[name] = [to_array(value) for value in values]
    pathlib.Path(results).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
