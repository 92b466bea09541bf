"""Tables of five models, each of which saw the streets that it was not shown."""

from __future__ import annotations

import numpy as np
import pytest

from roadwarden.data.splits import read_folds
from roadwarden.errors import DataError
from roadwarden.eval.judged import Seen
from roadwarden.eval.out_of_fold import read_out_of_fold
from roadwarden.taxonomy import DistressType
from tests.eval.scene import write_parquet

HOLE = DistressType.POTHOLE
XML = (
    "<annotation><size><width>64</width><height>64</height></size><object><name>D40</name><bndbox><xmin>0</xmin>"
    "<ymin>0</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def streets(tmp_path):
    """One frame with a pothole in every group of streets of the folds' manifest."""
    folder = tmp_path / "china_motorbike"
    (folder / "annotations").mkdir(parents=True)
    lines = ["image,source,part,group,place"]
    for group in read_folds():
        lines.append(f"china_motorbike/images/{group}.jpg,china_motorbike,train,{group},{group}")
        (folder / "annotations" / f"{group}.xml").write_text(XML)
    (tmp_path / "splits.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def table(streets, fold, name=None):
    """What the model of a fold saw: the pothole of every street held out."""
    hole = Seen(np.array([[0, 0, 20, 20]], np.float32), (HOLE,), np.array([0.8], np.float32))
    seen = {f"china_motorbike/images/{group}.jpg": hole for group, one in read_folds().items() if one == fold}
    return write_parquet(streets / (name or f"fold-{fold}.parquet"), seen)


def test_every_street_is_judged_once_by_the_model_that_was_not_shown_it(streets):
    read = read_out_of_fold(streets, [table(streets, fold) for fold in range(5)])
    assert sorted(frame.group for frame in read.whole()) == sorted(read_folds())
    assert all(len(frame.seen.types) == 1 for frame in read.frames)


def test_a_folder_of_tables_is_all_its_tables(streets):
    for fold in range(5):
        table(streets, fold)
    assert len(read_out_of_fold(streets, [streets]).whole()) == len(read_folds())


def test_a_fold_that_is_missing_is_named_and_its_streets_are_left_out(streets):
    read = read_out_of_fold(streets, [table(streets, fold) for fold in (0, 1, 3, 4)])
    assert read.missing == (2,)
    assert {read_folds()[frame.group] for frame in read.frames} == {0, 1, 3, 4}
    with pytest.raises(DataError, match=r"no predictions of \[2\]"):
        read.whole()


def test_a_frame_in_two_tables_is_refused(streets):
    with pytest.raises(DataError, match="another table"):
        read_out_of_fold(streets, [table(streets, 1), table(streets, 1, "again.parquet")])
