// Writes when and where a picture was taken into its JPEG, for a canvas writes neither: EXIF 2.32, little endian.

const ascii = (text) => [...new TextEncoder().encode(text), 0];
const two = (n) => [n & 255, (n >> 8) & 255];
const four = (n) => [...two(n & 65535), ...two(n >>> 16)];
const rational = (value, scale) => [...four(Math.round(value * scale)), ...four(scale)];

function degrees(value) {
  const whole = Math.abs(value);
  const minutes = (whole % 1) * 60;
  return [...rational(Math.floor(whole), 1), ...rational(Math.floor(minutes), 1), ...rational((minutes % 1) * 60, 10000)];
}

/** One directory: entries of [tag, type, count, bytes], what is longer than four bytes behind it. */
function directory(entries, start) {
  const table = [...two(entries.length)];
  const behind = [];
  const rest = start + 2 + entries.length * 12 + 4;
  for (const [tag, type, count, value] of entries) {
    table.push(...two(tag), ...two(type), ...four(count));
    if (value.length <= 4) table.push(...value, ...Array(4 - value.length).fill(0));
    else {
      table.push(...four(rest + behind.length));
      behind.push(...value, ...(value.length % 2 ? [0] : []));
    }
  }
  return [...table, ...four(0), ...behind];
}

/** The segment APP1; `taken`: a Date; `place`: {lat, lon, accuracy} or null. */
export function exifSegment(taken, place) {
  const text = taken.toISOString().slice(0, 19).replace("T", " ").replaceAll("-", ":");
  const time = [[0x9003, 2, 20, ascii(text)], [0x9011, 2, 7, ascii("+00:00")]];
  const gps = place && [
    [1, 2, 2, ascii(place.lat < 0 ? "S" : "N")], [2, 5, 3, degrees(place.lat)],
    [3, 2, 2, ascii(place.lon < 0 ? "W" : "E")], [4, 5, 3, degrees(place.lon)],
    [31, 5, 1, rational(place.accuracy ?? 0, 100)],
  ];
  const firstSize = 2 + (gps ? 2 : 1) * 12 + 4;
  const timeAt = 8 + firstSize;
  const timePart = directory(time, timeAt);
  const gpsAt = timeAt + timePart.length;
  const first = [[0x8769, 4, 1, four(timeAt)], ...(gps ? [[0x8825, 4, 1, four(gpsAt)]] : [])];
  const tiff = [0x49, 0x49, 42, 0, ...four(8), ...directory(first, 8), ...timePart, ...(gps ? directory(gps, gpsAt) : [])];
  const body = [...ascii("Exif"), 0, ...tiff];
  const size = body.length + 2;
  return new Uint8Array([0xff, 0xe1, size >> 8, size & 255, ...body]);
}

/** The same picture with that segment first. */
export async function stamped(blob, taken, place) {
  const jpeg = new Uint8Array(await blob.arrayBuffer());
  return new Blob([jpeg.slice(0, 2), exifSegment(taken, place), jpeg.slice(2)], { type: "image/jpeg" });
}
