from collections.abc import Iterator

import numpy as np
import pytest

from tools.starter.learn.grown import grown

COUNT = 3000


def squares(start: int) -> Iterator[np.ndarray]:
    for i in range(start, COUNT, 100):
        yield np.arange(i, min(i + 100, COUNT))[:, None] ** 2


def interrupted(start: int) -> Iterator[np.ndarray]:
    for batch in squares(start):
        if batch[0, 0] >= 2500**2:
            raise KeyboardInterrupt
        yield batch


def test_an_interrupted_array_goes_on_where_it_was_saved(tmp_path):
    path, starts = tmp_path / "x.npy", []

    def rows(start: int) -> Iterator[np.ndarray]:
        starts.append(start)
        return squares(start)

    with pytest.raises(KeyboardInterrupt):
        grown(path, (COUNT, 1), np.int64, interrupted)
    assert not path.exists()
    array = grown(path, (COUNT, 1), np.int64, rows)
    assert starts == [2100]
    assert np.array_equal(array[:, 0], np.arange(COUNT) ** 2)
    assert [file.name for file in tmp_path.iterdir()] == ["x.npy"]


def test_an_array_that_is_there_is_taken_if_it_has_the_right_shape(tmp_path):
    first = grown(tmp_path / "x.npy", (COUNT, 1), np.int64, squares)
    assert np.array_equal(grown(tmp_path / "x.npy", (COUNT, 1), np.int64, interrupted), first)
    with pytest.raises(SystemExit, match="holds 3000 rows, not 4"):
        grown(tmp_path / "x.npy", (4, 1), np.int64, squares)
