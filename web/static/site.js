// Keeps answers as they are given, brings the next page without a reload, reads aloud.
// It decides nothing; without it, or when it fails, the form is sent as any form is.
(function () {
  "use strict";
  var doc = document, root = doc.documentElement;
  var pressed = null; // the button that was pressed last
  var busy = false; // a page is on its way
  var shown = here();
  var keeping = Promise.resolve(); // the answers that are being kept
  var saving = false, changed = false; // whether there is something newer to keep
  var waiting = 0, spoken = null;

  function byId(id) { return doc.getElementById(id); }
  function here() { return location.href.split("#")[0]; }
  function lang() { return root.lang.slice(0, 2); }
  function pageForm() { return doc.querySelector("form[action]"); }
  function word(name) { return byId("kept").getAttribute("data-" + name); }

  function body(form, button) {
    var fields = new URLSearchParams(new FormData(form));
    if (button) fields.set(button.name, button.value);
    return fields;
  }

  // The answer is to be the next page itself, not the way to it.
  function send(form, fields, keepalive) {
    return fetch(form.getAttribute("action"), { method: "POST", body: fields, credentials: "same-origin",
      keepalive: keepalive, headers: { Prefer: "return=representation" } });
  }

  // One request at a time: no older answer arrives after a newer one.
  function keep() {
    var form = pageForm();
    clearTimeout(waiting);
    if (!form || !form.hasAttribute("data-keep") || busy) return;
    changed = saving;
    if (saving) return;
    saving = true;
    keeping = send(form, body(form, { name: "action", value: "save" }), true).then(function (r) {
      return r.status === 204 ? "kept" : "unkept";
    }, function () { return "unkept"; }).then(function (name) {
      saving = false;
      if (pageForm() === form && !busy) byId("kept").textContent = word(name);
      if (changed) keep();
    });
  }

  function plain(form, button) {
    if (button) {
      var field = form.appendChild(doc.createElement("input"));
      field.type = "hidden";
      field.name = button.name;
      field.value = button.value;
    }
    HTMLFormElement.prototype.submit.call(form);
  }

  function show(page, address, focus) {
    var next = new DOMParser().parseFromString(page, "text/html");
    if (!next.getElementById("main")) throw new Error("not a page");
    hush();
    root.lang = next.documentElement.lang;
    root.className = next.documentElement.className;
    doc.title = next.title;
    root.replaceChild(doc.adoptNode(next.body), doc.body);
    if (new URL(address, shown).href !== shown) history.pushState(null, "", address);
    shown = here();
    offer();
    if (!focus) scrollTo(0, 0);
    (byId(focus || "notice") || doc.querySelector("h1")).focus();
  }

  // A server with too much to do, or a network that is away, is asked again, each time after
  // a random part of a longer time; the page with the answers stays as it is meanwhile.
  function deliver(form, fields, tries) {
    function again(after) {
      byId("kept").textContent = word("sending");
      return new Promise(function (done) {
        setTimeout(done, after * 1000 + Math.random() * Math.min(30000, 1000 * Math.pow(2, tries)));
      }).then(function () { return deliver(form, fields, tries + 1); });
    }
    return send(form, fields, false).then(function (r) {
      var full = r.status === 503 || r.status === 429 && form.hasAttribute("data-keep");
      return full && tries < 9 ? again(Number(r.headers.get("Retry-After")) || 1) : r;
    }, function (gone) {
      if (tries < 4) return again(0);
      throw gone;
    });
  }

  function answer(form, button, focus) {
    busy = true;
    clearTimeout(waiting);
    var fields = body(form, button);
    byId("main").setAttribute("aria-busy", "true");
    var late = new Promise(function (done) { setTimeout(done, 3000); });
    Promise.race([keeping, late]).then(function () { return deliver(form, fields, 0); }).then(function (r) {
      if (!/^text\/html/.test(r.headers.get("Content-Type"))) throw new Error("not a page");
      return r.text().then(function (page) { show(page, r.headers.get("Content-Location") || r.url, focus); });
    }).then(function () { busy = false; }, function () { plain(form, button); });
  }

  doc.addEventListener("submit", function (e) {
    var button = pressed;
    pressed = null;
    if (busy) return e.preventDefault();
    try { body(e.target); } catch (old) { return; } // an old browser
    e.preventDefault();
    answer(e.target, button);
  });
  doc.addEventListener("change", function (e) {
    var parts = e.target.closest && e.target.closest("[data-levels]");
    if (!parts || busy) return keep();
    // The button of the language in use shows the page again, with the next level.
    answer(pageForm(), { name: "action", value: "lang:" + lang() }, e.target.id);
  });
  doc.addEventListener("input", function (e) {
    if (!/^(text|textarea)$/.test(e.target.type)) return;
    clearTimeout(waiting);
    waiting = setTimeout(keep, 1500);
  });
  addEventListener("popstate", function () { if (here() !== shown) location.reload(); });
  addEventListener("pageshow", function () { busy = false; });

  // Reading aloud, where there is a voice.
  var speech = window.speechSynthesis;
  function voice() {
    return speech && speech.getVoices().filter(function (v) { return v.lang.slice(0, 2) === lang(); })[0];
  }
  function offer() {
    if (!pageForm() || !voice()) return;
    doc.querySelectorAll(".item, .note").forEach(function (item) {
      if (item.classList.contains("spoken")) return;
      var asked = item.querySelector("legend, .question");
      var button = item.insertBefore(doc.createElement("button"), asked.nextSibling);
      button.type = "button";
      button.className = "read";
      button.textContent = word("read");
      item.classList.add("spoken");
    });
  }
  function hush() {
    if (speech) speech.cancel();
    if (spoken) spoken.textContent = word("read");
    spoken = null;
  }
  function read(button) {
    var stop = spoken === button;
    hush();
    if (stop) return;
    var text = "";
    button.parentNode.querySelectorAll("legend, .question, .hint, .figure, .unit, .part label, option, .options span, th").forEach(function (part) {
      text += (part.alt || part.textContent) + ".\n";
    });
    var u = new SpeechSynthesisUtterance(text);
    u.voice = voice();
    u.lang = u.voice.lang;
    u.onend = u.onerror = function () { if (spoken === button) hush(); };
    spoken = button;
    button.textContent = word("stop");
    speech.speak(u);
  }
  doc.addEventListener("click", function (e) {
    var button = e.target.closest && e.target.closest("button");
    if (!button) return;
    if (button.className === "read") read(button);
    else pressed = button;
  });
  if (speech && speech.addEventListener) speech.addEventListener("voiceschanged", offer);
  offer();
})();
