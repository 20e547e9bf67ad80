// Brings the figures of a page up to date every few seconds, until told to stop. Without it
// the page is read anew by hand.
(function () {
  "use strict";
  var doc = document, every = 3000, timer = 0, stopped = false;
  var pause = doc.getElementById("pause"), said = doc.getElementById("said");

  function live() { return doc.getElementById("live"); }
  function word(name) { return live().getAttribute("data-" + name); }
  function later() { clearTimeout(timer); if (!stopped) timer = setTimeout(look, every); }

  // Only what changed is replaced, so that focus, scrolling and what is being typed stay.
  function take(next) {
    var fresh = next.getElementById("live");
    if (!fresh) return false; // signed out, or something went wrong: the next try may succeed
    ["dl.facts-list", "tbody"].forEach(function (what) {
      var old = live().querySelectorAll(what), now = fresh.querySelectorAll(what);
      for (var i = 0; i < old.length && i < now.length; i++) {
        if (old[i].innerHTML !== now[i].innerHTML && !old[i].contains(doc.activeElement)) old[i].innerHTML = now[i].innerHTML;
      }
    });
    if (fresh.getAttribute("data-version") !== word("version")) {
      live().setAttribute("data-version", fresh.getAttribute("data-version"));
      said.textContent = word("updated") + " " + new Date().toLocaleTimeString(doc.documentElement.lang);
    }
    return true;
  }

  function look() {
    if (doc.hidden) return later();
    fetch(location.href, { credentials: "same-origin" }).then(function (r) {
      return r.ok ? r.text() : "";
    }).then(function (text) {
      take(new DOMParser().parseFromString(text, "text/html"));
    }).catch(function () {}).then(later);
  }

  function show() { pause.textContent = word(stopped ? "on" : "off"); }
  pause.addEventListener("click", function () { stopped = !stopped; show(); later(); });
  pause.hidden = false;
  show();
  later();
})();
