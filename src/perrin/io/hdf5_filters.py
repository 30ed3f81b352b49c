"""Compression of HDF5 datasets beyond HDF5's own: decoders of Python packages, as its filters.

Zstandard is what Refeyn's movies are stored with, and is always there. Blosc, LZ4 and bitshuffle
are what detectors and other programs write: imagecodecs undoes them (extra ``compressed``). The
package hdf5plugin (extra ``hdf5``) has them all, and rarer ones, at 186 MB: where it is installed
it is used instead, as it also writes them.

Numbers of filters: https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md
"""

from __future__ import annotations

import bz2
import contextlib
import ctypes
import struct
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import h5py

from perrin.errors import PerrinError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BZIP2, BLOSC, LZ4, BITSHUFFLE, ZSTD = 307, 32001, 32004, 32008, 32015
_NAMES = {
    BLOSC: "Blosc", LZ4: "LZ4", BITSHUFFLE: "bitshuffle", 32000: "LZF", 32013: "ZFP", 32017: "SZ",
    32018: "FCIDECOMP", 32024: "SZ3", 32026: "Blosc2", 32028: "SPERR",
}  # fmt: skip
_MOST_BYTES = 1 << 30  # of one chunk; a frame of 16 megapixels has 32 MB
_LEVEL = 3  # of Zstandard, where a file does not say one
_REVERSE = 0x0100  # H5Z_FLAG_REVERSE: read, not write
_VERSION = 1  # H5Z_CLASS_T_VERS
_ELEMENT, _HOW = 2, 4  # of the values that bitshuffle keeps: bytes of an element, compression
_HOW_LZ4, _HOW_ZSTD = 2, 3

Values = list[int]
Decoder = Callable[[bytes, Values], bytes]
NEEDS_MORE = "pip install 'perrin[hdf5]' (the package hdf5plugin); or save it again without"
_NEEDS_IMAGECODECS = "pip install 'perrin[compressed]' (the package imagecodecs)"


def zstd_options(level: int = _LEVEL) -> dict[str, Any]:
    """Return what `h5py`'s ``create_dataset`` is told for Zstandard at `level`."""
    register_filters()
    return {"compression": ZSTD, "compression_opts": (level,)}


def load_filters(data: h5py.Dataset) -> None:
    """See to it that `data` can be decompressed; `PerrinError` names what to install for it."""
    plan = data.id.get_create_plist()
    for number in (plan.get_filter(k)[0] for k in range(plan.get_nfilters())):
        if h5py.h5z.filter_avail(number):
            continue
        register_filters()
        if not h5py.h5z.filter_avail(number):
            needs = _NEEDS_IMAGECODECS if number in _BY_IMAGECODECS else NEEDS_MORE
            raise PerrinError(
                f"{data.file.filename}: {data.name} is compressed with "
                f"{_NAMES.get(number, 'a filter')} (HDF5 filter {number}), which needs {needs}."
            )


@cache
def register_filters() -> None:
    """Give HDF5 what undoes the compressions, once: slow to import, so only where needed."""
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401
    lacking = _BY_IMAGECODECS if find_spec("imagecodecs") is None else frozenset()
    for number in _DECODERS.keys() - lacking:
        if h5py.h5z.filter_avail(number):  # by hdf5plugin, or from HDF5_PLUGIN_PATH
            continue
        made = _Class(
            _VERSION, number, number in _ENCODERS, 1, b"perrin", None, None, _filter(number)
        )
        _registered.append(made)
        h5py.h5z.register_filter(ctypes.addressof(made))


def _zstd(stored: bytes, _values: Values) -> bytes:
    return _whole(zstd.ZstdDecompressor(), stored)


def _whole(decoder: Any, stored: bytes) -> bytes:
    """Undo what a whole chunk is, of bounded size: a damaged one can ask for all memory."""
    made: bytes = decoder.decompress(stored, max_length=_MOST_BYTES)
    if not decoder.eof:
        raise ValueError("cut off, or larger than a chunk may be")
    return made


def _blosc(stored: bytes, _values: Values) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.blosc_decode(stored))


def _lz4(stored: bytes, _values: Values) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.lz4h5_decode(stored))


def _bzip2(stored: bytes, _values: Values) -> bytes:
    return _whole(bz2.BZ2Decompressor(), stored)


def _bitshuffle(stored: bytes, values: Values) -> bytes:
    """Undo bitshuffle, whose blocks are compressed one by one.

    Before the blocks stand the size of all and that of a block in bytes, before each block its
    compressed size; elements beyond a multiple of eight follow as they are.
    """
    import imagecodecs

    element = values[_ELEMENT]
    how = values[_HOW] if len(values) > _HOW else 0
    if not how:
        return bytes(imagecodecs.bitshuffle_decode(stored, itemsize=element))
    undo = {_HOW_LZ4: _one_lz4, _HOW_ZSTD: _one_zstd}[how]
    size, block = struct.unpack_from(">QI", stored)
    place, made = 12, []
    whole = size // (8 * element) * 8 * element
    for start in range(0, whole, block):
        (length,) = struct.unpack_from(">I", stored, place)
        place += 4
        flat = undo(stored[place : place + length], min(block, whole - start))
        made.append(bytes(imagecodecs.bitshuffle_decode(flat, itemsize=element)))
        place += length
    return b"".join([*made, stored[place : place + size - whole]])


def _one_lz4(stored: bytes, size: int) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.lz4_decode(stored, out=size))


def _one_zstd(stored: bytes, _size: int) -> bytes:
    return _zstd(stored, [])


def _zstd_encode(values: bytes, options: Values) -> bytes:
    return zstd.compress(values, options[0] if options else _LEVEL)


_DECODERS: dict[int, Decoder] = {
    BZIP2: _bzip2, BLOSC: _blosc, LZ4: _lz4, BITSHUFFLE: _bitshuffle, ZSTD: _zstd
}  # fmt: skip
_BY_IMAGECODECS = frozenset({BLOSC, LZ4, BITSHUFFLE})
_ENCODERS: dict[int, Decoder] = {ZSTD: _zstd_encode}


class _Class(ctypes.Structure):
    """H5Z_class2_t of HDF5."""


_Size = ctypes.c_size_t
_FILTER = ctypes.CFUNCTYPE(
    _Size, ctypes.c_uint, _Size, ctypes.POINTER(ctypes.c_uint), _Size,
    ctypes.POINTER(_Size), ctypes.POINTER(ctypes.c_void_p),
)  # fmt: skip
_Class._fields_ = [
    ("version", ctypes.c_int),
    ("id", ctypes.c_int),
    ("encoder_present", ctypes.c_uint),
    ("decoder_present", ctypes.c_uint),
    ("name", ctypes.c_char_p),
    ("can_apply", ctypes.c_void_p),
    ("set_local", ctypes.c_void_p),
    ("filter", _FILTER),
]
_C = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)  # HDF5 frees what it is given
_C.malloc.restype, _C.malloc.argtypes = ctypes.c_void_p, [_Size]
_C.free.restype, _C.free.argtypes = None, [ctypes.c_void_p]
_registered: list[_Class] = []  # HDF5 keeps pointers into them


def _filter(number: int) -> Any:
    """Return the function that HDF5 calls with a chunk: 0 is a failure, else the bytes made."""
    decode, encode = _DECODERS[number], _ENCODERS.get(number)

    def run(flags: int, count: int, values: Any, size: int, room: Any, chunk: Any) -> int:
        turn = decode if flags & _REVERSE else encode
        try:
            if turn is None:
                return 0
            made = turn(ctypes.string_at(chunk[0], size), values[:count])
        except Exception:  # HDF5 says it: no exception comes through C
            return 0
        place = _C.malloc(max(len(made), 1))
        if not place:
            return 0
        ctypes.memmove(place, made, len(made))
        _C.free(chunk[0])
        chunk[0], room[0] = place, len(made)
        return len(made)

    return _FILTER(run)
