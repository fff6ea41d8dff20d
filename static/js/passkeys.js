// Says in words what went wrong with a passkey, where allauth's script would only write to the console.
document.addEventListener("allauth.error", function (event) {
  "use strict";
  event.preventDefault();
  var place = document.querySelector("[data-passkey-error]");
  if (!place) return;
  var name = event.detail.exception && event.detail.exception.name;
  place.querySelector("[data-passkey-text]").textContent =
    !window.isSecureContext || !window.PublicKeyCredential
      ? "This browser cannot use passkeys at this address. They need https, or http://localhost."
      : name === "InvalidStateError"
        ? "This device has a passkey for this account already."
        : "No passkey was used. Try again, or choose another way.";
  place.hidden = false;
});
