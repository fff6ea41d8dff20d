// What every page needs: copying, dialogs, menus that close, and pages that must not be left by accident.
(function () {
  "use strict";

  // ---- copy: [data-copy="#id"] copies that element's text; works without navigator.clipboard (plain http)
  function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text).catch(function () { return fallback(text); });
    }
    return fallback(text);
  }
  function fallback(text) {
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "xr-offscreen";
    area.setAttribute("aria-hidden", "true");
    var host = document.querySelector("dialog[open]") || document.body;
    host.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("copying is not allowed here"));
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button) return;
    var source = document.querySelector(button.getAttribute("data-copy"));
    var label = button.querySelector("[data-copy-label]") || button;
    var before = label.textContent;
    copyText(source.value !== undefined ? source.value : source.textContent.trim()).then(
      function () { label.textContent = "Copied"; },
      function () { label.textContent = "Select and copy"; }
    ).then(function () { setTimeout(function () { label.textContent = before; }, 1600); });
  });

  // ---- dialogs: [data-open="#id"] opens, [data-close] inside closes
  document.addEventListener("click", function (event) {
    var opener = event.target.closest("[data-open]");
    if (opener) {
      var dialog = document.querySelector(opener.getAttribute("data-open"));
      Object.keys(opener.dataset).forEach(function (name) {
        if (!name.startsWith("fill")) return;
        var key = name.slice(4).toLowerCase();
        dialog.querySelectorAll('[data-slot="' + key + '"]').forEach(function (slot) {
          if (slot.tagName === "FORM") slot.action = opener.dataset[name];
          else if ("value" in slot) slot.value = opener.dataset[name];
          else slot.textContent = opener.dataset[name];
        });
      });
      // [data-from="#field"] shows what is typed in that field now
      dialog.querySelectorAll("[data-from]").forEach(function (slot) {
        slot.textContent = document.querySelector(slot.getAttribute("data-from")).value;
      });
      if (dialog.open) dialog.close();
      dialog.showModal();
      event.preventDefault();
    }
    var closer = event.target.closest("[data-close]");
    if (closer) { closer.closest("dialog").close(); event.preventDefault(); }
  });

  // ---- menus made of <details data-menu>: one open at a time, closed by Escape or a click elsewhere
  function closeMenus(except) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (menu !== except && !menu.contains(except)) menu.open = false;
    });
  }
  document.addEventListener("click", function (event) { closeMenus(event.target.closest("details[data-menu]")); });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") closeMenus(null); });

  // ---- a menu in a scrolling table would be cut off by it: it is placed on the window instead
  document.addEventListener("toggle", function (event) {
    var menu = event.target;
    if (!menu.matches || !menu.matches("details.xr-menu") || !menu.open) return;
    var list = menu.querySelector(".xr-menu-list");
    var at = menu.getBoundingClientRect();
    list.style.position = "fixed";
    list.style.left = "auto";
    list.style.right = Math.max(8, document.documentElement.clientWidth - at.right) + "px";
    var below = at.bottom + 4;
    list.style.top = (below + list.offsetHeight > window.innerHeight ? at.top - 4 - list.offsetHeight : below) + "px";
  }, true);
  document.addEventListener("scroll", function () {
    document.querySelectorAll("details.xr-menu[open]").forEach(function (menu) { menu.open = false; });
  }, true);

  // ---- a page with [data-guard] is not left by accident until [data-guard-done] was pressed
  var guarded = document.querySelector("[data-guard]");
  function warn(event) { event.preventDefault(); event.returnValue = ""; }
  if (guarded) {
    window.addEventListener("beforeunload", warn);
    document.addEventListener("click", function (event) {
      if (event.target.closest("[data-guard-done]")) window.removeEventListener("beforeunload", warn);
    }, true);
  }

  // ---- tabs: [role=tablist] with buttons that name their panel
  document.addEventListener("click", function (event) {
    var tab = event.target.closest("[role=tab]");
    if (tab) select(tab);
  });
  document.addEventListener("keydown", function (event) {
    var tab = event.target.closest && event.target.closest("[role=tab]");
    if (!tab || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) return;
    var tabs = Array.from(tab.closest("[role=tablist]").querySelectorAll("[role=tab]"));
    var step = event.key === "ArrowRight" ? 1 : tabs.length - 1;
    var next = tabs[(tabs.indexOf(tab) + step) % tabs.length];
    next.focus();
    select(next);
  });
  function select(tab) {
    tab.closest("[role=tablist]").querySelectorAll("[role=tab]").forEach(function (other) {
      var chosen = other === tab;
      other.setAttribute("aria-selected", chosen ? "true" : "false");
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    });
  }

  // ---- forms that submit themselves when a choice changes
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  });
  // ---- a form is sent once
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-many")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 4000);
  });
})();
