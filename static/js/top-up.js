// The line under the amount: what is paid for it in all. Without this script the hint beside it says the same.
(function () {
  "use strict";
  var line = document.querySelector("[data-top-up]");
  if (!line) return;
  var form = line.closest("form");
  var ppm = Number(line.dataset.ppm), least = Number(line.dataset.minCents), taxed = line.dataset.taxed === "1";
  function usd(cents) { return "$" + (cents / 100).toFixed(2); }
  function show() {
    var chosen = form.querySelector("[name=amount]:checked");
    var typed = chosen && chosen.value === "other" ? form.elements.other.value : chosen && chosen.value;
    typed = (typed || "").replace(/[$,\s]/g, "");
    var cents = Math.round(Number(typed) * 100);
    if (!/^[0-9]*\.?[0-9]+$/.test(typed) || !(cents > 0)) { line.textContent = ""; return; }
    var fee = Math.max(Math.ceil(cents * ppm / 1e6), least);
    line.textContent = "You pay " + usd(cents + fee) + (fee || taxed ? ": " + usd(cents) + " credit" : "") +
      (fee ? " + " + usd(fee) + " fee" : "") + (taxed ? " + tax where it applies" : "");
  }
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  show();
})();
