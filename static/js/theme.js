// Runs before the first paint, so that the page never flashes in the other theme. "auto" follows the system.
(function () {
  var names = ["auto", "light", "dark"];
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try { return localStorage.getItem("xr-theme") || "auto"; } catch (error) { return "auto"; }
  }
  function apply() {
    var name = chosen();
    var shown = name === "auto" ? (dark.matches ? "dark" : "light") : name;
    document.documentElement.setAttribute("data-bs-theme", shown);
    document.dispatchEvent(new CustomEvent("xr:theme", { detail: shown }));
    document.querySelectorAll("[data-theme-name]").forEach(function (node) {
      node.textContent = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[name];
    });
  }
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-theme-toggle]")) return;
    try { localStorage.setItem("xr-theme", names[(names.indexOf(chosen()) + 1) % 3]); } catch (error) { /* private mode */ }
    apply();
  });
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = "xr_tz=" + encodeURIComponent(zone) + ";path=/;max-age=31536000;samesite=lax";
})();
