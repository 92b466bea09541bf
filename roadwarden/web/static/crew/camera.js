// Takes a picture, with the picture before the repair as a ghost over the view, so that one stands at the same spot.
// Without a camera in the browser the phone's own takes it. Pictures are made small here and told when and where.

import { h, icon, w } from "../kit.js";
import { stamped } from "./exif.js";
import { serverNow } from "./send.js";

const LONGEST = 1600;
const QUALITY = 0.82;
let place = null;

export function watchPlace(told) {
  navigator.geolocation?.watchPosition(
    ({ coords }) => {
      place = { lat: coords.latitude, lon: coords.longitude, accuracy: coords.accuracy, at: Date.now() };
      told(place);
    },
    () => {}, { enableHighAccuracy: true, maximumAge: 10000 });
}
const placeNow = () => (place && Date.now() - place.at < 60000 ? place : null);

async function small(source, width, height, taken, at) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const canvas = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return stamped(blob, taken, at);
}

/** A picture that was taken by another app: when is what the file says, where is not known unless it is a minute old. */
export async function fromFile(file) {
  const bitmap = await createImageBitmap(file);
  const old = Date.now() - file.lastModified > 60000;
  const made = await small(bitmap, bitmap.width, bitmap.height, old ? new Date(file.lastModified) : serverNow(), old ? null : placeNow());
  bitmap.close();
  return made;
}

/** Resolves to a JPEG, or to null where nobody took one. */
export async function takePicture(dialog, hint, ghostUrl) {
  const stream = await navigator.mediaDevices?.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } }).catch(() => null);
  if (!stream) return picked();
  const video = h("video", { autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  const ghost = ghostUrl ? h("img", { class: "ghost", src: ghostUrl, alt: "" }) : null;
  const dim = h("input", { type: "range", min: 0, max: 80, value: 38, "aria-label": w("crew.ghost") });
  dim.addEventListener("input", () => ghost && (ghost.style.opacity = dim.value / 100));
  return new Promise((resolve) => {
    const end = (made) => {
      stream.getTracks().forEach((track) => track.stop());
      dialog.close();
      resolve(made);
    };
    const release = async () => end(await small(video, video.videoWidth, video.videoHeight, serverNow(), placeNow()));
    dialog.replaceChildren(h("div", { class: "view" }, video, ghost), h("div", { class: "tools" }, h("p", {}, hint), ghost ? dim : null,
      h("div", { class: "row" }, h("button", { onclick: () => end(null) }, w("common.cancel")),
        h("button", { class: "release", "aria-label": w("crew.release"), onclick: release }),
        h("button", { onclick: async () => end(await picked()) }, icon("camera"), w("crew.file")))));
    dialog.oncancel = () => end(null);
    dialog.showModal();
  });
}

function picked() {
  return new Promise((resolve) => {
    const field = h("input", { type: "file", accept: "image/*", capture: "environment" });
    field.addEventListener("change", async () => resolve(field.files[0] ? await fromFile(field.files[0]) : null));
    field.addEventListener("cancel", () => resolve(null));
    field.click();
  });
}
