"""Where a frame was taken: EXIF, sidecars in the layouts of receivers and dashcams, and the join by time."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.ExifTags import GPS, IFD, Base

from roadwarden.data.exif import read_exif
from roadwarden.data.sidecars import read_track
from roadwarden.data.track import Fix, Track
from roadwarden.errors import DataError

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def photo(camera: dict | None = None, gps: dict | None = None) -> bytes:
    exif = Pillow.Exif()
    exif.get_ifd(IFD.Exif).update(camera or {})
    exif.get_ifd(IFD.GPSInfo).update(gps or {})
    buffer = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


WEST_LAKE = {
    GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (30.0, 15.0, 36.0),
    GPS.GPSLongitudeRef: "E", GPS.GPSLongitude: (120.0, 9.0, 0.0),
    GPS.GPSSpeedRef: "K", GPS.GPSSpeed: 36.0, GPS.GPSImgDirection: 62.5,
}  # fmt: skip


def test_exif_gives_position_heading_and_speed():
    place = read_exif(photo(gps=WEST_LAKE)).position
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx((30.26, 120.15))
    assert (place.heading_deg, place.speed_mps) == pytest.approx((62.5, 10.0))


def test_south_and_west_are_negative():
    rio = WEST_LAKE | {GPS.GPSLatitudeRef: "S", GPS.GPSLongitudeRef: "W"}
    place = read_exif(photo(gps=rio)).position
    assert place is not None
    assert place.lat < 0 > place.lon


def test_a_camera_time_with_offset_is_utc():
    camera = {
        Base.DateTimeOriginal: "2026:11:03 20:00:00",
        Base.OffsetTimeOriginal: "+08:00",
        Base.SubsecTimeOriginal: "25",
    }
    assert read_exif(photo(camera)).captured_at == NOON + timedelta(milliseconds=250)


def test_a_camera_time_without_offset_needs_a_zone():
    data = photo({Base.DateTimeOriginal: "2026:11:03 20:00:00"})
    assert read_exif(data).captured_at is None
    assert read_exif(data, ZoneInfo("Asia/Shanghai")).captured_at == NOON


def test_gps_time_stands_in():
    gps = {GPS.GPSDateStamp: "2026:11:03", GPS.GPSTimeStamp: (12.0, 0.0, 0.0)}
    assert read_exif(photo(gps=gps)).captured_at == NOON


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damaged_exif_is_no_exif(junk, at):
    data = photo({Base.DateTimeOriginal: "2026:11:03 20:00:00"}, WEST_LAKE)
    read_exif(junk)
    read_exif(data[:at] + junk + data[at:])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.csv", "time,lat,lon,heading,speed\n2026-11-03T12:00:00Z,30.26,120.15,62,10\n"),
        ("dashcam.csv", "DateTime;Latitude;Longitude;Course;Speed_kmh\n2026-11-03 20:00:00;30.26;120.15;62;36\n"),
        ("exiftool.csv", "GPSDateTime,GPSLatitude,GPSLongitude,GPSTrack,GPSSpeed\n"
         "2026:11:03 12:00:00Z,30.26,120.15,62,36\n"),
        ("epoch.csv", "timestamp,latitude,longitude,bearing,speed_mph\n1793707200000,30.26,120.15,62,22.3694\n"),
        ("track.gpx", '<gpx xmlns="http://www.topografix.com/GPX/1/0"><trk><trkseg><trkpt lat="30.26" lon="120.15">'
         "<time>2026-11-03T12:00:00Z</time><course>62</course><speed>10</speed></trkpt></trkseg></trk></gpx>"),
        ("log.nmea", "$GPRMC,120000.00,A,3015.6000,N,12009.0000,E,19.4384,62.0,031126,,,A*5F\n"),
    ],
)  # fmt: skip
def test_layouts_of_receivers_and_dashcams(tmp_path, name, text):
    if name.endswith("nmea"):
        body = text[1 : text.index("*")]
        total = 0
        for letter in body:
            total ^= ord(letter)
        text = f"${body}*{total:02X}\n"
    (tmp_path / name).write_text(text, encoding="utf-8")
    place = read_track(tmp_path / name, ZoneInfo("Asia/Shanghai")).at(NOON)
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx((30.26, 120.15))
    assert (place.heading_deg, place.speed_mps) == pytest.approx((62, 10), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "when,x,y\n1,2,3\n", "no column for time"),
        ("b.csv", "time,lat,lon\nyesterday,30,120\n", "no usable position"),
        ("c.csv", "time,lat,lon\n2026-11-03 12:00:00,30,120\n", "give one with --zone"),
        ("d.gpx", "<gpx", "not a GPX file"),
        ("e.gpx", '<!DOCTYPE x [<!ENTITY a "b">]><gpx/>', "refused"),
        ("f.kml", "<kml/>", "positions come as"),
    ],
)
def test_a_sidecar_that_cannot_be_used_says_why(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        read_track(tmp_path / name)


def test_bad_rows_are_left_out_and_told(tmp_path, caplog):
    place = tmp_path / "track.csv"
    place.write_text(
        "time,lat,lon\n2026-11-03T12:00:00Z,30,120\n2026-11-03T12:00:01Z,0,0\n2026-11-03T12:00:02Z,x,120\n"
    )
    assert len(read_track(place)) == 1
    assert "2 rows left out" in caplog.text


def track(*fixes: tuple[float, float, float]) -> Track:
    return Track.of([Fix(NOON + timedelta(seconds=second), lat, lon) for second, lat, lon in fixes])


def test_between_two_fixes_by_straight_line():
    place = track((0, 30.0, 120.0), (2, 30.002, 120.004)).at(NOON + timedelta(seconds=0.5))
    assert place is not None
    assert (place.lat, place.lon) == pytest.approx((30.0005, 120.001))


@pytest.mark.parametrize("second", [-0.1, 10.1, 5.0])
def test_never_beyond_the_tolerance_and_never_extrapolated(second):
    assert track((0, 30.0, 120.0), (10, 30.01, 120.0)).at(NOON + timedelta(seconds=second), tolerance_s=2.0) is None


def test_heading_north_is_between_350_and_10():
    fixes = [Fix(NOON, 30.0, 120.0, 350.0), Fix(NOON + timedelta(seconds=2), 30.001, 120.0, 10.0)]
    place = Track.of(fixes).at(NOON + timedelta(seconds=1))
    assert place is not None
    assert place.heading_deg in (pytest.approx(0.0), pytest.approx(360.0))


def test_across_the_date_line():
    place = track((0, 0.0, 179.999), (2, 0.0, -179.999)).at(NOON + timedelta(seconds=1))
    assert place is not None
    assert abs(place.lon) == pytest.approx(180.0)


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=30),
       st.floats(-10, 1010))  # fmt: skip
def test_a_position_lies_between_its_neighbours(fixes, second):
    made = track(*fixes)
    place = made.at(NOON + timedelta(seconds=second), tolerance_s=50)
    if place is not None:
        assert made.lat.min() - 1e-9 <= place.lat <= made.lat.max() + 1e-9
