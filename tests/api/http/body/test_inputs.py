from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from api.http.body.inputs import check_inputs, conform
from api.http.body.multipart import MultipartReader, Part, read_body
from api.http.body.values import (
    fits_json,
    from_json,
    from_npy,
    from_npz,
    from_part,
    to_json,
    to_npy,
    to_npz,
)
from api.http.schemas import JsonTensor
from api.store.catalogue import TensorInfo
from scheduler.model.errors import InvalidInput, InvalidTensor, TooLarge


def _json(dtype: str, data: Any, shape: list[int] | None = None) -> np.ndarray[Any, Any]:
    value = from_json(JsonTensor(dtype=dtype, shape=shape, data=data), "inputs.x")
    assert isinstance(value, np.ndarray)
    return value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array([2**63], dtype=np.uint64),
        np.array([[True], [False]]),
        np.array(7, dtype=np.int8),
        np.zeros((0, 4), dtype=np.float16),
        np.array(["a", "ä"], dtype=object),
    ],
)
def test_a_tensor_comes_back_the_same_from_json_and_from_npy(array: np.ndarray[Any, Any]) -> None:
    said = to_json(array)
    back = [_json(said["dtype"], said["data"], list(said["shape"])), from_npy(to_npy(array), "x")]
    for value in back:
        np.testing.assert_array_equal(value, array)
    assert back[0].dtype == array.dtype


@pytest.mark.parametrize("texts", [["ends in NUL\0", "s"], ["x" * 20_000] + ["s"] * 198])
def test_texts_that_a_file_would_lose_or_blow_up_are_refused(texts: list[str]) -> None:
    with pytest.raises(InvalidTensor, match="take them as JSON"):
        to_npy(np.array(texts, dtype=object))
    assert _json("string", to_json(np.array(texts, dtype=object))["data"]).tolist() == texts


def test_flat_data_takes_the_shape_that_is_given() -> None:
    assert _json("int32", [1, 2, 3, 4], [2, 2]).tolist() == [[1, 2], [3, 4]]


def test_integers_on_both_sides_of_two_to_the_63_are_read_as_declared() -> None:
    assert _json("uint64", [2**63, 1, 2**64 - 1]).tolist() == [2**63, 1, 2**64 - 1]
    assert _json("float64", [2**64, 1]).tolist() == [float(2**64), 1.0]


@pytest.mark.parametrize(
    ("dtype", "data", "shape", "message"),
    [
        ("float31", [1], None, r"inputs\.x\.dtype must be one of .*; got float31"),
        ("float32", [1, 2, 3], [2, 2], r"inputs\.x\.data must have 4 elements for shape \[2, 2\]"),
        ("float32", [[1], [2, 3]], None, "must be a regular array"),
        ("float32", ["a"], None, "must hold float32 values; got \\['a'\\]"),
        ("int32", [1.5], None, "must hold int32 values"),
        ("uint8", [256], None, "must hold values from 0 to 255; got 256 to 256"),
        ("uint8", [-1], None, "must hold values from 0 to 255; got -1 to -1"),
        ("int64", [2**70], None, "must hold values from -9223372036854775808 to"),
        ("uint64", [2**63, -1], None, "must hold values from 0 to 18446744073709551615"),
        ("float16", [1e9], None, "must hold values within float16"),
        ("bool", [1], None, "must hold bool values"),
        ("complex64", [1], None, "must hold complex64 values"),
        ("string", ["a", 1], None, "must hold texts"),
        ("float32", {"a": 1}, None, "must hold float32 values"),
    ],
)
def test_json_that_is_not_what_it_says_is_refused(
    dtype: str, data: Any, shape: list[int] | None, message: str
) -> None:
    with pytest.raises(InvalidTensor, match=message):
        _json(dtype, data, shape)


def test_npy_is_read_in_any_order_without_pickles() -> None:
    array = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    file = io.BytesIO()
    np.save(file, array)
    np.testing.assert_array_equal(from_npy(file.getvalue(), "x"), array)


def _header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"inputs\.x must be a \.npy file"),
        (b"\x89PNG\r\n", r"must be a \.npy file"),
        (to_npy(np.zeros(8))[:-1], r"must have 64 bytes for float64\[8\]; got 63"),
        (_header("{'descr':'|O','fortran_order':False,'shape':(1,)}\n"), "Python objects"),
        (_header("{'descr':'<f4','fortran_order':False,'shape':(99999999999,)}\n"), "must have"),
        (_header("{'descr':'<f4','fortran_order':False,'shape':(-1,)}\n"), "must"),
        (_header("__import__('os').system('true')\n"), r"must be a \.npy file"),
        (_header("{'descr':'<M8[s]','fortran_order':False,'shape':(0,)}\n"), "must be one of"),
    ],
)
def test_a_broken_npy_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidTensor, match=message):
        from_npy(data, "inputs.x")


def test_an_npz_holds_one_array_or_a_list() -> None:
    one, two = np.zeros(2), np.ones(3)
    single = from_npz(to_npz([one]), "x", 10_000)
    assert isinstance(single, np.ndarray)
    several = from_npz(to_npz([one, two]), "x", 10_000)
    assert [len(array) for array in several] == [2, 3]


def test_an_npz_that_unpacks_to_too_much_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", to_npy(np.zeros(100_000)))
    assert len(file.getvalue()) < 2_000
    with pytest.raises(TooLarge, match="must unpack to at most 2000 bytes"):
        from_npz(file.getvalue(), "x", 2_000)


def test_a_broken_npz_is_refused() -> None:
    with pytest.raises(InvalidTensor, match=r"must be a \.npz file"):
        from_npz(b"PK\x03\x04", "x", 100)


def _multipart(*parts: tuple[str, str, bytes]) -> tuple[str, bytes]:
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
        % (name.encode(), filename.encode(), content)
        for name, filename, content in parts
    )
    return "multipart/form-data; boundary=B", body + b"--B--\r\n"


def test_a_file_is_its_bytes_unless_its_name_says_that_it_is_an_array() -> None:
    array = np.arange(3)
    kind, body = _multipart(
        ("photo", "p.png", b"\x89PNG"), ("x", "x.npy", to_npy(array)), ("none", "", b"")
    )
    photo, x, none = read_body(kind, body)
    assert isinstance(photo, Part)
    np.testing.assert_array_equal(from_part(photo, "photo", 99), list(b"\x89PNG"))
    np.testing.assert_array_equal(from_part(x, "x", 99), array)
    assert from_part(none, "none", 99).shape == (0,)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("text/plain", b"x", "content-type must be multipart/form-data with a boundary"),
        ("multipart/form-data", b"x", "with a boundary"),
        ("multipart/form-data; boundary=B", b"--A\r\n", "must be multipart/form-data"),
        ("multipart/form-data; boundary=B", b"--B\r\nA: b\r\n\r\nx", "must have a name"),
        ("multipart/form-data; boundary=B", b"", "must end with its boundary"),
    ],
)
def test_a_broken_multipart_body_is_refused(kind: str, body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_body(kind, body)


def test_a_multipart_body_may_come_byte_by_byte() -> None:
    kind, body = _multipart(("x", "x.bin", b"\r\n--B\r\nnot a boundary? yes it is"[6:]))
    reader = MultipartReader(kind)
    for byte in body:
        reader.feed(bytes([byte]))
    (part,) = reader.finish()
    assert bytes(part.content.data) == b"\nnot a boundary? yes it is"


DECLARED = (
    TensorInfo(name="x", dtype="float32", shape=(1, "n")),
    TensorInfo(name="many", dtype="uint8", shape=(2,), is_list=True),
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((1, 2), np.float64)}, r"inputs\.x dtype must be float32; got float64"),
        ({"x": np.zeros((2, 2), np.float32)}, r"inputs\.x dimension 0 must be 1; got 2"),
        ({"x": np.zeros(2, np.float32)}, r"inputs\.x must have 2 dimensions; got 1"),
        ({"y": np.zeros(2)}, r"inputs\.y must be an input of the workload; got 'y'"),
        ({"many": [np.zeros(3, np.uint8)]}, r"inputs\.many\[0\] dimension 0 must be 2; got 3"),
    ],
)
def test_inputs_must_be_those_of_the_workload(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"x": np.zeros((1, 5), np.float32), "many": []}
    check_inputs(good, DECLARED)
    with pytest.raises(InvalidTensor, match=message):
        check_inputs(good | change, DECLARED)


def test_an_input_left_out_is_named_with_its_type() -> None:
    with pytest.raises(InvalidTensor, match=r"inputs\.x must be given: float32\[1,n\]; got noth"):
        check_inputs({}, DECLARED)


def test_one_array_is_a_list_where_a_list_is_declared() -> None:
    given: dict[str, Any] = {"x": np.zeros((1, 1), np.float32), "many": np.zeros(2, np.uint8)}
    assert isinstance(conform(given, DECLARED)["many"], list)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j])
def test_json_cannot_say_everything(value: complex) -> None:
    assert not fits_json(np.array([value]))
    assert fits_json(np.array([1.0]))
