import numba
import numpy as np
import pytest

from perrin.threads import in_threads, over_rows


@pytest.fixture(params=[1, 2])
def threads(request):
    before = numba.get_num_threads()
    numba.set_num_threads(min(request.param, before))
    yield
    numba.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_each_row_is_visited_once(threads, count):
    def add(first, last, values, out):
        out[first:last] += values[first:last]

    values, out = np.arange(1.0, count + 1), np.zeros(count)
    over_rows(add, count, values, out)
    np.testing.assert_array_equal(out, values)


def test_what_a_thread_raises_is_raised(threads):
    def fail(first, last):
        if last == 10:
            raise ValueError("the last stretch")

    with pytest.raises(ValueError, match="the last stretch"):
        over_rows(fail, 10)


def test_results_come_in_the_order_of_the_items(threads):
    assert list(in_threads(lambda item: item**2, range(20))) == [k**2 for k in range(20)]


def test_within_a_thread_there_is_one_stretch(threads):
    def stretches(count):
        seen = []
        over_rows(lambda first, last: seen.append((first, last)), count)
        return seen

    assert list(in_threads(stretches, [7, 9])) == [[(0, 7)], [(0, 9)]]
