// The button that asks the device where it is; without it the form works as well.

const place = document.getElementById("position");
const form = document.querySelector("form[enctype]");

if (place && "geolocation" in navigator && window.isSecureContext) {
  place.hidden = false;
  const told = place.querySelector("p");
  place.querySelector("button").addEventListener("click", () => {
    told.textContent = place.dataset.asking;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lat.value = coords.latitude.toFixed(6);
        form.elements.long.value = coords.longitude.toFixed(6);
        told.textContent = place.dataset.found.replace("{metres}", Math.max(1, Math.round(coords.accuracy)));
      },
      () => { told.textContent = place.dataset.failed; },
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 30000 },
    );
  });
}

// A large picture takes its time on the way: the button says that it was pressed, and cannot be pressed twice.
form?.addEventListener("submit", () => {
  const button = form.querySelector("button.main");
  setTimeout(() => { button.disabled = true; });
});
