"""What is said of a disk that is full."""

import errno

import pytest

from perrin.errors import PerrinError
from perrin.io.disk import errors_of_disk, named

WORKED_IN = "/data/.perrin-04115b94-10907-d46bc491"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{WORKED_IN}/new/events.csv", "events.csv in /data"),
        (f"{WORKED_IN}/{WORKED_IN[6:]}", "/data"),
        ("/data/x.html", "/data/x.html"),
        ("x.html", "x.html"),
    ],
)
def test_a_path_is_named_as_the_user_knows_it(path: str, said: str) -> None:
    assert named(path) == said


def test_a_full_disk_is_said_without_the_folder_that_perrin_works_in() -> None:
    with (
        pytest.raises(PerrinError, match=r"^events\.csv in /data could not be written: No space"),
        errors_of_disk(f"{WORKED_IN}/new/events.csv"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
