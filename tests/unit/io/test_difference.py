from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perrin.errors import PerrinError
from perrin.io.difference import DifferenceCoded, decode_in_place, encode

stacks = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.uint32]),
    hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=12),
)


def reader(coded, frames=None, keys=None):
    """Difference-coded frames in memory, with whole frames at `keys`."""
    return DifferenceCoded(
        read=lambda start, stop: coded[start:stop].copy(),
        read_key=lambda j: frames[keys[j]].copy(),
        keys=None if keys is None else np.asarray(keys, np.int64),
        name="test",
    )


@pytest.fixture
def long():
    rng = np.random.default_rng(5)
    return rng.integers(0, 2**16, (1050, 3, 4), dtype=np.uint16)


@given(stacks)
def test_decoding_inverts_encoding(frames):
    coded = encode(frames)
    decode_in_place(coded)
    np.testing.assert_array_equal(coded, frames)


@given(stacks, st.data())
def test_encoding_in_chunks_is_encoding_at_once(frames, data):
    cuts = sorted({0, len(frames), *data.draw(st.lists(st.integers(0, len(frames)), max_size=4))})
    parts, previous = [], None
    for a, b in pairwise(cuts):
        parts.append(encode(frames[a:b], previous=previous))
        previous = frames[b - 1]
    np.testing.assert_array_equal(np.concatenate(parts), encode(frames))


def test_wrapping_is_the_cumulative_sum_modulo_the_type():
    frames = np.array([65535, 0, 40000, 1], np.uint16).reshape(4, 1, 1)
    coded = encode(frames)
    assert coded.ravel().tolist() == [65535, 1, 40000, 25537]
    np.testing.assert_array_equal(np.cumsum(coded, axis=0, dtype=np.uint16), frames)


ranges = st.lists(
    st.tuples(st.integers(0, 1049), st.integers(1, 400)), min_size=1, max_size=8
)  # fmt: skip


@pytest.mark.parametrize("keys", [None, [0], [1049], list(range(0, 1050, 100)), [3, 7, 700]])
@given(ranges=ranges)
def test_random_access_in_any_order_is_exact(keys, ranges):
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 2**16, (1050, 3, 4), dtype=np.uint16)
    coded = reader(encode(frames), frames, keys)
    for start, length in ranges:
        stop = min(start + length, 1050)
        np.testing.assert_array_equal(coded.decode(start, stop), frames[start:stop])


def read_forward(source, chunk, overlap):
    for start in range(0, 1050, chunk):
        source.decode(max(0, start - overlap), min(start + chunk, 1050))


@pytest.mark.parametrize(("chunk", "overlap"), [(37, 0), (100, 0), (250, 20), (333, 60)])
def test_reading_forward_passes_every_keyframe(long, chunk, overlap):
    """Whichever frame is damaged, a reader in chunks is told, except behind the last keyframe."""
    keys = list(range(0, 1050, 100))
    for broken in (1, 99, 100, 101, 555, 1000):
        coded = encode(long)
        coded[broken, 1, 2] += 1
        damaged = reader(coded, long, keys)
        with pytest.raises(PerrinError, match=r"keyframe \d+ does not match") as caught:
            read_forward(damaged, chunk, overlap)
        at = -(-broken // 100) * 100
        assert f"keyframe {at // 100} does not match the decoded frame {at}" in str(caught.value)


def test_reading_forward_without_keyframes_decodes_each_frame_about_once(long):
    reads = []
    coded = encode(long)

    def read(start, stop):
        reads.append(stop - start)
        return coded[start:stop].copy()

    source = DifferenceCoded(read=read, read_key=lambda j: coded[0], keys=None, name="test")
    read_forward(source, 150, 20)
    assert sum(reads) < 1050 + 7 * 120


def test_a_jump_ahead_needs_no_more_memory_than_a_block():
    frames = np.random.default_rng(1).integers(0, 2**16, (4000, 16, 16), dtype=np.uint16)
    coded = encode(frames)

    def peak(start):
        source = reader(coded)
        tracemalloc.start()
        source.decode(start, start + 50)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(3900) < 1.2 * peak(500)
