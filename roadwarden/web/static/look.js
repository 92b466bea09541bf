// The theme: as the device, light, dark. Kept in a cookie, so that the server sends the page in it at once.

const order = ["auto", "light", "dark"];
const button = document.getElementById("theme");

button?.addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? "auto";
  const next = order[(order.indexOf(now) + 1) % order.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${next}; path=/; max-age=31536000; SameSite=Lax${secure}`;
  const said = button.dataset[next];
  button.title = said;
  button.querySelector(".sr").textContent = said;
  document.dispatchEvent(new CustomEvent("theme", { detail: next }));
});
