// Looks at the page as it is drawn and returns what is wrong with it, one line each.
(() => {
  const wrong = [];
  const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : e.className ? "." + e.className : "");

  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) wrong.push(`the page is ${width} wide in a window of ${innerWidth}`);

  // Targets for fingers: 44 by 44, whatever holds the control.
  for (const e of document.querySelectorAll("button:not(.default), label.option, input[type=text], a.card, .languages a")) {
    const box = e.getBoundingClientRect();
    if (box.height < 44 || box.width < 44) wrong.push(`${name(e)} is ${box.width} by ${box.height}`);
  }

  // Every control has words of its own.
  for (const e of document.querySelectorAll("input:not([type=hidden])")) {
    const words = [...e.labels].map((l) => l.textContent).join("") + (e.getAttribute("aria-label") || "");
    if (!words.trim()) wrong.push(`${name(e)} has no label`);
  }
  for (const e of document.querySelectorAll("fieldset")) {
    if (!e.querySelector("legend")?.textContent.trim()) wrong.push("a fieldset has no legend");
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size < ids.length) wrong.push("an id is there twice");

  // Contrast of every text with the ground behind it (WCAG 2.2, 1.4.3).
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (e) => {
    const tint = e.closest("label")?.querySelector("input:checked + span");
    if (tint) return parse(getComputedStyle(tint, "::before").backgroundColor);
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = texts.nextNode()); ) {
    const e = n.parentElement;
    if (!n.textContent.trim() || e.closest(".skip")) continue;
    const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(ground(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) wrong.push(`"${n.textContent.trim().slice(0, 20)}" has a contrast of ${contrast.toFixed(2)}`);
  }
  return wrong;
})();
