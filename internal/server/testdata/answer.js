// Answers everything on the page that has no answer yet, as somebody does who is in a
// hurry: the first option of each question, 35 for a number, "x" for a text. Numbers of
// rows are 2, and whoever would end the interview early is taken for somebody else.
((chosen) => {
  const done = new Set();
  for (const e of document.querySelectorAll("main [name^='a.']")) {
    const name = e.name.slice(2);
    if (e.type === "radio" || e.type === "checkbox") {
      const all = document.getElementsByName(e.name);
      const wanted = chosen[name] === undefined || chosen[name] === e.value;
      const beside = [...all].some((x) => x.type !== e.type); // "don't know" beside a field
      if (!beside && wanted && ![...all].some((x) => x.checked)) e.checked = true;
    } else if (e.tagName === "SELECT") {
      if (e.value) { done.add(e.value); continue; }
      const free = [...e.options].find((o) => o.value && !done.has(o.value));
      if (free) { e.value = free.value; done.add(free.value); }
    } else if (!e.value) {
      const parts = document.getElementsByName(e.name);
      const texts = [...parts].filter((x) => x.type === "text");
      e.value = texts.length === 3 ? ["1980", "2", "3"][texts.indexOf(e)] : e.inputMode ? chosen[name] || "35" : "x";
    }
  }
})
