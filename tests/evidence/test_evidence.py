"""Pictures that people send: what is kept, what is shown, and what is refused."""

from __future__ import annotations

import io
import itertools
import os
import time
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from pictures import jpeg, png, png_bomb, png_with_text_bomb, polyglot, road, with_exif
from PIL import Image as Pillow

from roadwarden.errors import NotAllowed, NotFound, StorageAway
from roadwarden.inference.evidence_pictures import SHOWN_PX, PictureReader
from roadwarden.inference.guarded_pictures import GuardedPictures
from roadwarden.service.evidence import BadPicture, EvidenceDesk, Limits, PictureProblem
from roadwarden.storage import evidence as store
from roadwarden.storage.blobs import BlobStore, DamagedBlob, NoSuchBlob, open_blobs
from roadwarden.storage.evidence import UseKind
from roadwarden.storage.schema import open_storage
from tests.s3_server import s3_server

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


class Unredacted:
    """Finds nothing to hide, at once: the face model takes its time and says nothing here."""

    def redact(self, image):
        return image


@pytest.fixture(scope="module")
def reader():
    return PictureReader(make_redactor=Unredacted)


@pytest.fixture(scope="module")
def redacting():
    return PictureReader()


@pytest.fixture
def desk(tmp_path, reader):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    yield EvidenceDesk(engine, open_blobs(f"{tmp_path}/blobs"), reader, now=lambda: NOON)
    engine.dispose()


class TestWhatIsKeptAndWhatIsShown:
    def test_exif_is_kept_on_the_server_and_is_in_nothing_that_leaves_it(self, desk):
        sent = with_exif(road())
        kept = desk.take_in(sent, "citizen")
        assert kept.captured_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
        assert kept.position is not None
        assert (kept.position.lat, kept.position.lon) == pytest.approx((30.275, 120.15))
        assert (kept.position.heading_deg, kept.device, kept.software) == (87, "Huawei P60", "camera 4.2")
        shown = desk.public(kept.public_sha256)
        for secret in (b"Wang", b"Huawei", b"138 0013", b"2026:03:02", b"Exif"):
            assert secret in sent
            assert secret not in shown
        picture = Pillow.open(io.BytesIO(shown))
        assert not picture.getexif()
        assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}

    def test_the_original_is_kept_as_it_came(self, desk):
        sent = with_exif(road())
        assert desk.original(desk.take_in(sent, "citizen").sha256) == sent

    def test_the_original_has_no_public_name(self, desk):
        kept = desk.take_in(jpeg(road()), "citizen")
        with pytest.raises(NotFound):
            desk.public(kept.sha256)

    def test_what_the_redactor_finds_is_gone_from_what_is_shown(self, desk, redacting):
        street = road(width=800, height=600)
        plate = np.full((40, 140, 3), (180, 80, 20), np.uint8)  # blue, as cars have them
        cv2.putText(plate, "A12345", (6, 30), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 3)
        street[300:340, 330:470] = plate
        kept = replace(desk, pictures=redacting).take_in(png(street), "citizen")
        shown = cv2.imdecode(np.frombuffer(desk.public(kept.public_sha256), np.uint8), cv2.IMREAD_COLOR)
        edges = [np.abs(np.diff(one[300:340, 330:470, 1].astype(float), axis=1)).mean() for one in (street, shown)]
        assert edges[1] < edges[0] / 4

    def test_what_is_shown_is_small(self, desk):
        kept = desk.take_in(jpeg(road(width=4000, height=3000)), "citizen")
        assert Pillow.open(io.BytesIO(desk.public(kept.public_sha256))).size == (SHOWN_PX, SHOWN_PX * 3 // 4)
        assert (kept.width, kept.height) == (4000, 3000)

    def test_a_phone_held_upright_is_shown_upright(self, desk):
        picture = Pillow.fromarray(road(width=640, height=480))
        exif = picture.getexif()
        exif[0x0112] = 6
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", exif=exif)
        kept = desk.take_in(buffer.getvalue(), "citizen")
        assert Pillow.open(io.BytesIO(desk.public(kept.public_sha256))).size == (480, 640)

    def test_a_withheld_picture_is_shown_to_nobody_outside(self, desk):
        kept = desk.take_in(jpeg(road()), "citizen")
        with pytest.raises(NotAllowed, match="say why"):
            desk.withhold("u1", kept.sha256, " ")
        desk.withhold("u1", kept.sha256, "a face in the window")
        with pytest.raises(NotFound):
            desk.public(kept.public_sha256)
        assert desk.known(kept.sha256).withheld.because == "a face in the window"

    def test_a_polyglot_loses_its_other_faces(self, desk):
        kept = desk.take_in(polyglot(road()), "citizen")
        shown = desk.public(kept.public_sha256)
        assert b"script" not in shown
        assert b"PK\x03\x04" not in shown

    def test_pictures_belong_to_something_in_their_order(self, desk):
        several = [desk.take_in(jpeg(road(seed)), "citizen").sha256 for seed in (5, 3, 4)]
        desk.belongs(UseKind.REQUEST, "R2026-000001", several[:2])
        desk.belongs(UseKind.REQUEST, "R2026-000001", several)
        with store.reading(desk.engine) as unit:
            found = unit.of_subjects(UseKind.REQUEST, ["R2026-000001", "R2026-000002"])
            assert [one.sha256 for one in found["R2026-000001"]] == several
            assert unit.uses_of(several[0]) == ((UseKind.REQUEST, "R2026-000001"),)
        with pytest.raises(NotFound, match="no picture"):
            desk.belongs(UseKind.REQUEST, "R2026-000001", ["0" * 64])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", PictureProblem.EMPTY, id="empty"),
        pytest.param(b"<svg onload='alert(1)'/>", PictureProblem.NOT_A_PICTURE, id="svg"),
        pytest.param(b"GIF89a" + b"\0" * 40, PictureProblem.NOT_A_PICTURE, id="gif"),
        pytest.param(b"\0\0\0\x18ftypheic" + b"\0" * 40, PictureProblem.NOT_A_PICTURE, id="heic"),
        pytest.param(b"PK\x03\x04" + b"\0" * 400, PictureProblem.NOT_A_PICTURE, id="zip"),
        pytest.param(b"\xff\xd8\xff\xe0 not really", PictureProblem.DAMAGED, id="only-the-first-bytes"),
        pytest.param(jpeg(road())[:-2000], PictureProblem.DAMAGED, id="broken-off"),
        pytest.param(png_bomb(), PictureProblem.TOO_MANY_PIXELS, id="png-bomb"),
        pytest.param(png(road(width=60, height=900)), PictureProblem.TOO_SMALL, id="too-small"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_bytes(desk, data, problem):
    with pytest.raises(BadPicture) as refused:
        desk.take_in(data, "citizen")
    assert refused.value.problem is problem
    with store.reading(desk.engine) as unit:
        assert unit.count() == 0


def test_bytes_are_counted_before_anything_is_read(desk):
    with pytest.raises(BadPicture, match="send a smaller one"):
        desk.take_in(b"\0" * (desk.limits.most_bytes + 1), "citizen")


def test_compressed_text_beside_a_picture_is_never_unpacked(desk):
    began = time.process_time()
    kept = desk.take_in(png_with_text_bomb(road()), "citizen")
    assert time.process_time() - began < 5
    assert b"AAAA" not in desk.public(kept.public_sha256)


class TestEarlierPictures:
    def test_the_very_file_is_the_same_evidence(self, desk):
        first = desk.take_in(jpeg(road()), "citizen")
        assert desk.take_in(jpeg(road()), "u7") == first

    @pytest.mark.parametrize("change", ["encoded", "smaller", "brighter"])
    def test_a_picture_again_is_told(self, desk, change):
        for seed in range(20, 30):
            desk.take_in(jpeg(road(seed)), "citizen")
        first = desk.take_in(jpeg(road(1)), "citizen")
        again = {
            "encoded": lambda: jpeg(road(1), 60),
            "smaller": lambda: jpeg(cv2.resize(road(1), (500, 375), interpolation=cv2.INTER_AREA)),
            "brighter": lambda: jpeg(cv2.convertScaleAbs(road(1), alpha=0.9, beta=18)),
        }[change]()
        assert desk.take_in(again, "u7").copy_of == first.sha256

    def test_a_second_look_of_a_fixed_camera_is_no_copy(self, desk):
        before = road(1)
        mended = before.copy()
        mended[200:300, 250:400] = 60
        desk.take_in(jpeg(before), "pole-4")
        assert desk.take_in(jpeg(mended), "pole-4").copy_of is None

    def test_hashes_that_differ_as_much_as_is_looked_up_are_found_and_those_beyond_are_not(self, desk):
        generator = np.random.default_rng(7)
        base = int(generator.integers(0, 2**63)) * 2 + 1
        kept = desk.take_in(jpeg(road()), "citizen")
        with store.writing(desk.engine) as unit:
            for number in range(300):
                bits = generator.choice(64, size=number % 20, replace=False)
                hashed = base ^ sum(1 << int(bit) for bit in bits)
                sha256 = f"{number:064x}"
                unit.add(_as(kept, sha256, hashed))
            slow = {f"{number:064x}" for number in range(300) if number % 20 <= 10}
            assert {one.sha256 for one in unit.alike(base, 10, 1000)} == slow
            assert [one.bits for one in unit.alike(base, 10, 40)] == sorted([*[0] * 15, *[1] * 15, *[2] * 10])

    @pytest.mark.parametrize("bits", range(store.MOST_BITS + 1))
    def test_no_way_to_spread_the_bits_over_the_bands_escapes_the_look_up(self, bits):
        base = 0x0123_4567_89AB_CDEF
        looked = [(number, set(values)) for number, (_, values) in enumerate(store.looked_up(base, bits))]
        for spread in itertools.product(range(bits + 1), repeat=4):
            if sum(spread) == bits:
                other = base ^ sum(((1 << count) - 1) << 16 * band for band, count in enumerate(spread))
                assert any(other >> 16 * number & 0xFFFF in values for number, values in looked), spread


def _as(kept, sha256, perceptual):
    return replace(kept, sha256=sha256, perceptual=perceptual)


class TestBlobs:
    def test_names_never_lead_out_of_the_root(self, tmp_path):
        blobs = open_blobs(f"{tmp_path}/blobs")
        (tmp_path / "secret").write_text("not yours")
        outside = ("../secret", "..%2fsecret", "/etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a" * 32 + "/" * 32)
        for name in outside:
            for way in (blobs.get, blobs.has, blobs.remove):
                with pytest.raises(NoSuchBlob):
                    way(name)

    def test_what_was_changed_on_the_disk_is_told(self, tmp_path):
        blobs = open_blobs(f"{tmp_path}/blobs")
        name = blobs.put(b"a hole in the road")
        file = tmp_path / "blobs" / name[:2] / name[2:4] / name
        file.write_bytes(b"a road without a hole")
        with pytest.raises(DamagedBlob, match="backup"):
            blobs.get(name)

    def test_a_file_is_whole_or_absent(self, tmp_path, monkeypatch):
        blobs = open_blobs(f"{tmp_path}/blobs")

        def full(_descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageAway, match="room"):
            blobs.put(b"a hole in the road")
        monkeypatch.undo()
        name = blobs.put(b"a hole in the road")
        assert blobs.get(name) == b"a hole in the road"

    def test_forgotten_is_forgotten(self, tmp_path):
        blobs = open_blobs(f"{tmp_path}/blobs")
        name = blobs.put(b"a face")
        blobs.remove(name)
        blobs.remove(name)
        assert not blobs.has(name)
        with pytest.raises(NoSuchBlob):
            blobs.get(name)

    def test_a_bucket_keeps_what_a_folder_does(self, bucket):
        blobs: BlobStore = open_blobs(bucket)
        name = blobs.put(b"a hole in the road")
        assert blobs.put(b"a hole in the road") == name
        assert blobs.get(name) == b"a hole in the road"
        assert not blobs.has("0" * 64)
        with pytest.raises(NoSuchBlob):
            blobs.get("0" * 64)

    @pytest.fixture
    def bucket(self):
        with s3_server("evidence"):
            yield "s3://evidence/pictures"


@pytest.fixture(scope="module")
def guarded():
    pictures = GuardedPictures(None, 6.0, read_s=60)
    yield pictures
    pictures.close()


class TestTheReadersOwnProcess:
    def test_it_says_what_the_reader_says(self, guarded, redacting):
        data = with_exif(road())
        assert guarded.read(data, Limits()) == redacting.read(data, Limits())
        assert guarded.show_the_same(jpeg(road()), jpeg(road(), 70))
        with pytest.raises(BadPicture) as refused:
            guarded.read(b"no picture", Limits())
        assert refused.value.problem is PictureProblem.NOT_A_PICTURE

    def test_a_reader_that_dies_costs_one_picture(self, guarded):
        assert guarded._ask(_die, b"a picture") is None
        assert guarded.read(jpeg(road()), Limits()).format == "jpeg"


def _die(_data):
    os._exit(9)
