// Makes the pages smoother and decides nothing: keeps answers as they are given,
// brings the next page without a reload, reads questions aloud. Without it, or when
// anything fails, the form is sent as any form is.
(function () {
  "use strict";
  var doc = document;
  var pressed = null; // the button that was pressed last
  var busy = false; // a page is on its way
  var shown = here();
  var keeping = Promise.resolve(); // the answers that are being kept
  var saving = false, changed = false; // and whether there is something newer to keep
  var waiting = 0, spoken = null;

  function here() { return location.href.split("#")[0]; }
  function pageForm() { return doc.querySelector("main") && doc.querySelector("form[action]"); }
  function word(name) { return doc.getElementById("kept").getAttribute("data-" + name); }

  function body(form, name, value) {
    var fields = new URLSearchParams(new FormData(form));
    if (name) fields.set(name, value);
    return fields;
  }

  // A button is named "action", so form.action is not the address.
  function send(form, fields, more) {
    return fetch(form.getAttribute("action").split("#")[0],
      Object.assign({ method: "POST", body: fields, credentials: "same-origin" }, more));
  }

  function later(ms) { return new Promise(function (done) { setTimeout(done, ms); }); }

  // One request at a time, so that an older answer never arrives after a newer one.
  function keep() {
    var form = pageForm();
    clearTimeout(waiting);
    if (!form || !form.hasAttribute("data-keep") || busy) return;
    changed = saving;
    if (saving) return;
    saving = true;
    keeping = send(form, body(form, "action", "save"), { keepalive: true }).then(function (r) {
      return r.status === 204 ? "kept" : "unkept";
    }, function () { return "unkept"; }).then(function (name) {
      saving = false;
      if (pageForm() === form && !busy) doc.getElementById("kept").textContent = word(name);
      if (changed) keep();
    });
  }

  function plain(form, button) {
    if (button) {
      var field = doc.createElement("input");
      field.type = "hidden";
      field.name = button.name;
      field.value = button.value;
      form.appendChild(field);
    }
    HTMLFormElement.prototype.submit.call(form);
  }

  function show(page, address, focus) {
    var next = new DOMParser().parseFromString(page, "text/html");
    if (!next.getElementById("main")) throw new Error("not a page");
    hush();
    var root = doc.documentElement;
    root.lang = next.documentElement.lang;
    root.className = next.documentElement.className;
    doc.title = next.title;
    root.replaceChild(doc.adoptNode(next.body), doc.body);
    address = address.split("#")[0];
    if (address !== shown) history.pushState(null, "", address);
    shown = address;
    offer();
    if (!focus) scrollTo(0, 0);
    (doc.getElementById(focus || "notice") || doc.querySelector("h1")).focus();
  }

  function answer(form, button, focus) {
    busy = true;
    clearTimeout(waiting);
    var fields = body(form, button && button.name, button && button.value);
    doc.getElementById("main").setAttribute("aria-busy", "true");
    // What is still being kept goes first, but not for ever.
    Promise.race([keeping, later(3000)]).then(function () { return send(form, fields); }).then(function (r) {
      if (!/^text\/html/.test(r.headers.get("Content-Type"))) throw new Error("not a page");
      return r.text().then(function (page) { show(page, r.url || shown, focus); });
    }).then(function () { busy = false; }, function () { plain(form, button); });
  }

  doc.addEventListener("submit", function (e) {
    var button = pressed;
    pressed = null;
    if (busy) { e.preventDefault(); return; }
    try { body(e.target); } catch (old) { return; } // an old browser sends the form itself
    e.preventDefault();
    answer(e.target, button);
  });
  doc.addEventListener("change", function (e) {
    var parts = e.target.closest && e.target.closest("[data-levels]");
    if (!parts || busy) return keep();
    // The language in use is no other language: it shows the page again, with the next level.
    answer(pageForm(), { name: "action", value: "lang:" + doc.documentElement.lang.slice(0, 2) }, e.target.id);
  });
  doc.addEventListener("input", function (e) {
    if (!/^(text|textarea)$/.test(e.target.type)) return;
    clearTimeout(waiting);
    waiting = setTimeout(keep, 1500);
  });
  addEventListener("popstate", function () { if (here() !== shown) location.reload(); });
  addEventListener("pageshow", function () { busy = false; });

  // Reading aloud, where the browser has a voice for the language of the page.
  var speech = window.speechSynthesis;
  function voice() {
    var lang = doc.documentElement.lang.slice(0, 2);
    return speech && window.SpeechSynthesisUtterance && speech.getVoices().filter(function (v) {
      return v.lang.slice(0, 2).toLowerCase() === lang;
    })[0];
  }
  function offer() {
    if (!pageForm() || !voice()) return;
    var items = doc.querySelectorAll(".item, .note");
    for (var i = 0; i < items.length; i++) {
      var asked = items[i].querySelector("legend, .question");
      if (items[i].querySelector(".read") || !asked) continue;
      var button = doc.createElement("button");
      button.type = "button";
      button.className = "read";
      button.textContent = word("read");
      items[i].classList.add("spoken");
      asked.parentNode.insertBefore(button, asked.nextSibling);
    }
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
    var parts = button.parentNode.querySelectorAll("legend, .question, .hint, .part label, .options .option span, thead th, tbody th");
    var text = [];
    for (var i = 0; i < parts.length; i++) text.push(parts[i].textContent);
    var u = new SpeechSynthesisUtterance(text.join(".\n"));
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
