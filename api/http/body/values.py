"""Values as they come in and go out: JSON tensors, ``.npy``, ``.npz`` and files.

The module loads little, because the process that reads long bodies of JSON needs no more of ours.
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any

import numpy as np

from api.http.body.media_types import NPY, NPZ
from api.http.body.multipart import Part
from api.http.errors import shown
from api.http.parsing import parsing
from api.http.schemas import JsonTensor
from devices.tensors import DTYPES, STRING, Array, ArrayOrList, dtype_name
from fjord.narrow import WIDE, labelled, narrowed, unlabelled, widened
from scheduler.model.errors import InvalidTensor, TooLarge

LARGE_BYTES = 1024 * 1024
"""From this size on, arrays are read and written in a thread: 1 MiB takes 0.2 ms."""
MAX_NPY_HEADER_BYTES = 10_000
"""NumPy's own limit: a longer header is an attack on its parser."""
LARGEST_PADDING = 4
"""Texts may take so many times their characters in a ``.npy`` file, not counting small ones."""
SMALL_CHARACTERS = 16_384
"""Characters of padding that nobody minds: 64 KiB."""
# Kinds that NumPy gives JSON numbers, by the wanted kind: nothing is rounded or reinterpreted.
_ACCEPTED_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}


def from_json(given: JsonTensor | list[JsonTensor], where: str) -> ArrayOrList:
    """Array (or list of arrays) of a JSON tensor (or list of them).

    Raises
    ------
    InvalidTensor
        If the data does not fit its type and shape.

    Examples
    --------
    >>> from_json(JsonTensor(dtype="int8", data=[[1, 2]]), "inputs.x")
    array([[1, 2]], dtype=int8)
    """
    if isinstance(given, list):
        return [_from_json(item, f"{where}[{index}]") for index, item in enumerate(given)]
    return _from_json(given, where)


def from_part(part: Part, where: str, max_bytes: int) -> ArrayOrList:
    """Value of a file part: by its name or type ``.npy`` or ``.npz``, else its bytes as uint8."""
    data = part.content.data
    if part.content_type == NPY or part.filename.endswith(".npy"):
        return from_npy(data, where)
    if part.content_type == NPZ or part.filename.endswith(".npz"):
        return from_npz(data, where, max_bytes)
    return np.frombuffer(data, np.uint8)


def from_npy(data: bytes | bytearray, where: str) -> Array:
    """Array of a ``.npy`` file, read in place.

    Raises
    ------
    InvalidTensor
        If it is none, is cut off, or holds Python objects.
    """
    with parsing(f"{where} must be a .npy file", field=where, error=InvalidTensor):
        shape, fortran, dtype, offset = _npy_header(data)
        if dtype.hasobject:
            raise broken(where, "must not hold Python objects", str(dtype))
        expected = math.prod(shape) * dtype.itemsize
        if len(data) - offset != expected:
            law = f"must have {expected} bytes for {dtype}{list(shape)}"
            raise broken(where, law, str(len(data) - offset))
        array = np.frombuffer(data, dtype, offset=offset)
        return _known(unlabelled(array.reshape(shape, order="F" if fortran else "C")), where)


def from_npz(data: bytes | bytearray, where: str, max_bytes: int) -> ArrayOrList:
    """Arrays of a ``.npz`` file in order; a single one is not a list.

    Raises
    ------
    InvalidTensor
        If it is none.
    TooLarge
        If it unpacks to more than the limit.
    """
    with (
        parsing(f"{where} must be a .npz file", field=where, error=InvalidTensor),
        zipfile.ZipFile(io.BytesIO(data)) as archive,
    ):
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > max_bytes:
            law = f"{where} must unpack to at most {max_bytes} bytes"
            raise TooLarge(f"{law}; got {unpacked}", field=where)
        arrays = [
            from_npy(_unpack(archive, member), f"{where}[{index}]")
            for index, member in enumerate(members)
        ]
    # `numpy.savez(file, x)` is how one array is sent; a list of one is sent in JSON.
    return arrays[0] if len(arrays) == 1 else arrays


def to_json(array: Array) -> dict[str, Any]:
    """JSON tensor of an array, its data nested."""
    return {"dtype": dtype_name(array), "shape": array.shape, "data": widened(array).tolist()}


def fits_json(array: Array) -> bool:
    """True if JSON can say an array: it has no complex numbers, infinities or NaN."""
    wide = widened(array)
    kind = wide.dtype.kind
    return kind != "c" and (kind != "f" or bool(np.isfinite(wide).all()))


def fits_npy(array: Array) -> bool:
    """True if a ``.npy`` file keeps an array, at a size near its own.

    Texts have a fixed width there, so that reading them needs no pickle: a NUL at the end of one is
    lost, and all are as long as the longest.
    """
    if dtype_name(array) != STRING:
        return True
    texts = [str(text) for text in array.ravel()]
    longest, own = max(map(len, texts), default=0), sum(map(len, texts))
    is_near = longest * len(texts) <= LARGEST_PADDING * own + SMALL_CHARACTERS
    return is_near and not any(text.endswith("\0") for text in texts)


def to_npy(array: Array) -> bytes:
    """``.npy`` file of an array.

    Raises
    ------
    InvalidTensor
        If it holds texts that `fits_npy` refuses.
    """
    if not fits_npy(array):
        law = "texts must be of like lengths and end in no NUL to fit a .npy file"
        raise InvalidTensor(f"{law}; got others: take them as JSON")
    file = io.BytesIO()
    plain = array.astype(np.str_) if dtype_name(array) == STRING else labelled(array)
    np.lib.format.write_array(file, plain, allow_pickle=False)
    return file.getvalue()


def to_npz(arrays: list[Array]) -> bytes:
    """``.npz`` file of a list of arrays, in order, also of the names when they are sorted."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for index, array in enumerate(arrays):
            archive.writestr(f"{index:06d}.npy", to_npy(array))
    return file.getvalue()


def _from_json(given: JsonTensor, where: str) -> Array:
    if given.dtype not in DTYPES:
        raise broken(f"{where}.dtype", f"must be one of {', '.join(sorted(DTYPES))}", given.dtype)
    array = _texts(given.data, where) if given.dtype == STRING else _numbers(given, where)
    if given.shape is None:
        return array
    if array.size != math.prod(given.shape):
        law = f"must have {math.prod(given.shape)} elements for shape {given.shape}"
        raise broken(f"{where}.data", law, str(array.size))
    law = f"{where}.shape must be one that an array can have"
    with parsing(law, field=f"{where}.shape", error=InvalidTensor):
        return array.reshape(given.shape)


def _numbers(given: JsonTensor, where: str) -> Array:
    if given.dtype in WIDE:
        return _narrow(given, where)
    wanted = np.dtype(given.dtype)
    try:
        array = np.array(given.data)
    except (ValueError, OverflowError):
        raise broken(f"{where}.data", "must be a regular array", shown(given.data)) from None
    if array.size and array.dtype.kind not in _ACCEPTED_KINDS.get(wanted.kind, ""):
        return _large_integers(given, wanted, where)
    if array.size and wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            law = f"must hold values from {limits.min} to {limits.max}"
            raise broken(f"{where}.data", law, f"{array.min()} to {array.max()}")
    try:
        with np.errstate(over="raise"):
            return array.astype(wanted)
    except FloatingPointError:
        law = f"must hold values within {given.dtype}"
        raise broken(f"{where}.data", law, shown(given.data)) from None


def _narrow(given: JsonTensor, where: str) -> Array:
    wide = _numbers(given.model_copy(update={"dtype": WIDE[given.dtype]}), where)
    try:
        return narrowed(wide, given.dtype)
    except OverflowError as error:
        raise broken(f"{where}.data", str(error), shown(given.data)) from None


def _large_integers(given: JsonTensor, wanted: np.dtype[Any], where: str) -> Array:
    """Array of integers that NumPy finds no one type for, as on both sides of 2^63.

    Each is read in the type that was declared, before any library chooses one.
    """
    array = np.array(given.data, dtype=object)
    if wanted.kind not in "iuf" or not all(type(item) is int for item in array.flat):
        raise broken(f"{where}.data", f"must hold {given.dtype} values", shown(given.data))
    if wanted.kind == "f":
        limits = np.finfo(wanted)
        least, most = int(limits.min), int(limits.max)
    else:
        least, most = np.iinfo(wanted).min, np.iinfo(wanted).max
    if min(array.flat) < least or max(array.flat) > most:
        law = f"must hold values from {least} to {most}"
        raise broken(f"{where}.data", law, shown(given.data))
    return array.astype(wanted)


def _texts(data: Any, where: str) -> Array:
    try:
        array = np.array(data, dtype=object)
    except ValueError:
        raise broken(f"{where}.data", "must be a regular array", shown(data)) from None
    if not all(isinstance(item, str) for item in array.ravel()):
        raise broken(f"{where}.data", "must hold texts", shown(data))
    return array


def _npy_header(data: bytes | bytearray) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    file = io.BytesIO(data[: MAX_NPY_HEADER_BYTES + 16])
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, fortran, dtype, file.tell()


def _known(array: Array, where: str) -> Array:
    if dtype_name(array) not in DTYPES:
        law = f"must be one of {', '.join(sorted(DTYPES))}"
        if array.dtype.kind == "V":
            law += ", those that NumPy lacks as one field of that name over the bits"
        raise broken(where, law, str(array.dtype))
    return array


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        # The archive's own word for the size is a claim; more than that is not read.
        return file.read(member.file_size)


def broken(field: str, law: str, got: str) -> InvalidTensor:
    """An error that names the field, the law and what came."""
    return InvalidTensor(f"{field} {law}; got {got}", field=field)
