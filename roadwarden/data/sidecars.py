"""Files of positions beside an archive: GPX, CSV in the layouts of receivers and dashcams, NMEA logs."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from xml.etree import ElementTree

from roadwarden.data.track import KMH, KNOTS, MPH, Fix, Track
from roadwarden.errors import DataError

logger = logging.getLogger(__name__)

SIDECAR_ENDINGS = frozenset({".gpx", ".csv", ".nmea", ".gps"})

TIME_NAMES = ("time", "timestamp", "utc", "datetime", "date_time", "gpsdatetime", "sampletime", "captured_at")
LAT_NAMES = ("lat", "latitude", "gpslatitude", "lat_deg", "latitude_deg")
LON_NAMES = ("lon", "lng", "long", "longitude", "gpslongitude", "lon_deg", "longitude_deg")
HEADING_NAMES = ("heading", "heading_deg", "course", "bearing", "direction", "gpstrack", "gpsimgdirection", "headmot")
SPEED_NAMES = {
    "speed": 1.0, "speed_mps": 1.0, "speed_ms": 1.0, "gspeed": 1.0, "speed_kmh": KMH, "speed_kph": KMH,
    "speed (km/h)": KMH, "gpsspeed": KMH, "speed_mph": MPH, "speed_knots": KNOTS,
}  # fmt: skip


def read_track(place: Path, zone: tzinfo | None = None) -> Track:
    """Reads a sidecar by its ending; rows that cannot be used are counted and told in the log.

    Times without an offset are in ``zone``. Raises DataError where no row can be used.
    """
    return _collect(place, _rows(place, zone))


def _rows(place: Path, zone: tzinfo | None) -> Iterator[Fix | _Fault]:
    try:
        text = place.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as exc:
        raise DataError(f"{place}: cannot be read: {exc.strerror}") from exc
    if place.suffix.lower() == ".gpx":
        return _gpx(place, text)
    if place.suffix.lower() in {".nmea", ".gps"} or text.lstrip().startswith("$"):
        return _nmea(text)
    if place.suffix.lower() == ".csv":
        return _csv(place, text, zone)
    raise DataError(f"{place}: positions come as {', '.join(sorted(SIDECAR_ENDINGS))}")


@dataclass(frozen=True, slots=True)
class TrackRows:
    """A sidecar as it came: every row with a time and two numbers, in the file's order, also those that are wrong."""

    rows: tuple[Fix, ...]
    unreadable: tuple[str, ...]  # the others, each with its line and why


def read_track_rows(place: Path, zone: tzinfo | None = None) -> TrackRows:
    """Reads a sidecar for whoever judges its rows. Raises DataError for a file that is no track at all."""
    rows: list[Fix] = []
    unreadable: list[str] = []
    for row in _rows(place, zone):
        if isinstance(row, Fix):
            rows.append(row)
        elif row.fix is not None:
            rows.append(row.fix)
        else:
            unreadable.append(row.text)
    if not rows and not unreadable:
        raise DataError(f"{place}: holds no position")
    return TrackRows(tuple(rows), tuple(unreadable))


@dataclass(frozen=True, slots=True)
class _Fault:
    text: str
    fix: Fix | None = None  # where the row was read, and is no place on Earth


class _Nowhere(ValueError):
    def __init__(self, text: str, fix: Fix) -> None:
        super().__init__(text)
        self.fix = fix


def _fault(where: str, exc: Exception) -> _Fault:
    return _Fault(f"{where}: {exc}", exc.fix if isinstance(exc, _Nowhere) else None)


def _collect(place: Path, rows: Iterable[Fix | _Fault]) -> Track:
    fixes: list[Fix] = []
    faults: list[str] = []
    for row in rows:
        if isinstance(row, _Fault):
            faults.append(row.text)
        else:
            fixes.append(row)
    if not fixes:
        raise DataError(f"{place}: no usable position" + (f"; first fault: {faults[0]}" if faults else ""))
    if faults:
        logger.warning("%s: %d rows left out; first: %s", place, len(faults), faults[0])
    return Track.of(fixes)


def _gpx(place: Path, text: str) -> Iterator[Fix | _Fault]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{place}: a GPX file has no document type; refused")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as exc:
        raise DataError(f"{place}: not a GPX file: {exc}") from exc
    for number, point in enumerate(root.findall(".//{*}trkpt"), start=1):
        values = {child.tag.rpartition("}")[2].lower(): (child.text or "").strip() for child in point.iter()}
        try:
            when = parse_time(values["time"], None)
            yield _fix(when, point.attrib["lat"], point.attrib["lon"], values.get("course"), values.get("speed"))
        except (KeyError, ValueError) as exc:
            yield _fault(f"point {number}", exc)


def _csv(place: Path, text: str, zone: tzinfo | None) -> Iterator[Fix | _Fault]:
    sample = text[:4096]
    delimiter = max(",;\t", key=sample.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    columns = {name.strip().lower(): name for name in reader.fieldnames or [] if name}
    wanted = {"time": TIME_NAMES, "lat": LAT_NAMES, "lon": LON_NAMES}
    found = {key: next((columns[name] for name in names if name in columns), None) for key, names in wanted.items()}
    if missing := [f"{key} ({' or '.join(names)})" for key, names in wanted.items() if found[key] is None]:
        raise DataError(f"{place}: line 1 has no column for {', '.join(missing)}; it has {', '.join(columns)}")
    heading = next((columns[name] for name in HEADING_NAMES if name in columns), None)
    speed, factor = next(((columns[n], f) for n, f in SPEED_NAMES.items() if n in columns), (None, 1.0))
    for number, row in enumerate(reader, start=2):
        try:
            yield _csv_fix(row, found, heading, speed, factor, zone)
        except (ValueError, TypeError, OverflowError) as exc:
            yield _fault(f"line {number}", exc)


def _csv_fix(
    row: Mapping[str, str],
    found: Mapping[str, str | None],
    heading: str | None,
    speed: str | None,
    factor: float,
    zone: tzinfo | None,
) -> Fix:
    when = parse_time(row[found["time"] or ""], zone)
    fix = _fix(when, row[found["lat"] or ""], row[found["lon"] or ""], row.get(heading or ""), row.get(speed or ""))
    return fix if fix.speed_mps is None else Fix(fix.time, fix.lat, fix.lon, fix.heading_deg, fix.speed_mps * factor)


def _fix(time: datetime, lat: str, lon: str, heading: str | None, speed: str | None) -> Fix:
    fix = Fix(time, float(lat), float(lon), _number(heading), _number(speed))
    if not (-90 <= fix.lat <= 90 and -180 <= fix.lon <= 180) or (fix.lat, fix.lon) == (0, 0):
        raise _Nowhere(f"{lat}, {lon} is no place on Earth that a receiver with a fix would give", fix)
    return fix


def _number(text: str | None) -> float | None:
    return float(text) if text and text.strip() else None


def parse_time(text: str, zone: tzinfo | None) -> datetime:
    """ISO 8601, EXIF's colons, seconds or milliseconds since 1970; ValueError where no zone is known."""
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return _parse_calendar_time(text, zone)
    return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)


def _parse_calendar_time(text: str, zone: tzinfo | None) -> datetime:
    if len(text) > 10 and text[4] == ":" == text[7]:
        text = text[:10].replace(":", "-") + text[10:]
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        if zone is None:
            raise ValueError(f"{text} has no zone; give one with --zone, such as Asia/Shanghai")
        when = when.replace(tzinfo=zone)
    return when.astimezone(UTC)


def _nmea(text: str) -> Iterator[Fix | _Fault]:
    """RMC sentences of any talker: the ones with date, time, place, speed and course."""
    for number, line in enumerate(text.splitlines(), start=1):
        start = line.find("$")
        if start < 0 or line[start + 3 : start + 6] != "RMC":
            continue
        try:
            fix = _rmc(line[start:].strip())
        except (ValueError, IndexError) as exc:
            yield _fault(f"line {number}", exc)
            continue
        if fix is not None:
            yield fix


def _rmc(sentence: str) -> Fix | None:
    body, _, checksum = sentence[1:].partition("*")
    total = 0
    for letter in body:
        total ^= ord(letter)
    if int(checksum[:2], 16) != total:
        raise ValueError("checksum is wrong")
    fields = body.split(",")
    if fields[2] != "A":
        return None  # the receiver says that it has no fix
    clock, day = fields[1], fields[9]
    when = datetime.strptime(day + clock[:6], "%d%m%y%H%M%S").replace(tzinfo=UTC)
    when += timedelta(seconds=float("0" + clock[6:])) if len(clock) > 6 else timedelta()
    lat = _nmea_degrees(fields[3]) * (-1 if fields[4] == "S" else 1)
    lon = _nmea_degrees(fields[5]) * (-1 if fields[6] == "W" else 1)
    speed = _number(fields[7])
    return Fix(when, lat, lon, _number(fields[8]), None if speed is None else speed * KNOTS)


def _nmea_degrees(text: str) -> float:
    """ddmm.mmmm or dddmm.mmmm."""
    split = text.index(".") - 2
    return int(text[:split]) + float(text[split:]) / 60
