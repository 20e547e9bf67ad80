// Works with the tablet as an enumerator does, by clicking and typing, until somebody kills
// the browser or there is nothing left to do. Every answer that the app calls saved is told to
// the test, which must find it again in the end.
(() => {
	const one = (s, root = document) => root.querySelector(s);
	const all = (s, root = document) => [...root.querySelectorAll(s)];
	const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
	const pick = (list) => list[Math.floor(Math.random() * list.length)];
	const screen = () => one("main")?.dataset.screen ?? "";
	const saved = () => Number(document.documentElement.dataset.saved ?? 0);
	const say = (what) => window.tell(JSON.stringify(what));
	const until = async (what, met, ms = 30000) => {
		for (const end = performance.now() + ms; !met();) {
			if (performance.now() > end) throw new Error("waited in vain for " + what + " on " + screen() + " " + location.hash + ": " + (one("#notice")?.textContent ?? ""));
			await sleep(4);
		}
	};
	const ready = () => document.documentElement.dataset.ready === "1";
	const button = (what) => one(`[data-do="${what}"]`);
	const press = async (what, leads) => {
		const from = screen(), b = button(what);
		if (!b) throw new Error("no button " + what + " on " + from);
		b.click();
		await until(what + " to lead on", leads ?? (() => screen() !== from && ready()));
	};
	const type = (field, value) => {
		field.value = value;
		field.dispatchEvent(new Event("input", {bubbles: true}));
		field.dispatchEvent(new Event("change", {bubbles: true}));
	};
	const here = () => {
		const [, what, wave, id] = location.hash.split("/");
		return {what, wave: decodeURIComponent(wave ?? ""), id: decodeURIComponent(id ?? "")};
	};

	// What the person says to the first questions, so that they belong to the population and are
	// who was selected.
	const persons = {};
	const fixed = (name) => {
		const p = persons[here().id];
		return {age: String(p?.age ?? 40), sex: p?.sex === "woman" ? "2" : "1", resident: "1", military: "2"}[name];
	};

	// readField is what a field stands at, as the engine is told.
	const readField = (name) => all(`[name="${CSS.escape(name)}"]`, one(".paper"))
		.filter((f) => f.type === "checkbox" || f.type === "radio" ? f.checked : f.value.trim()).map((f) => f.value);

	const answer = async (name) => {
		const fields = all(`[name="${CSS.escape(name)}"]`, one(".paper"));
		if (fields.length === 0) return;
		const before = saved(), was = JSON.stringify(readField(name));
		const wanted = fixed(name);
		const kind = fields[0].type;
		if (kind === "radio") (fields.find((f) => f.value === wanted) ?? pick(fields)).click();
		else if (kind === "checkbox") for (const f of fields.slice(0, 1 + Math.floor(Math.random() * 3))) f.click();
		else if (fields[0].tagName === "SELECT") {
			const i = fields.findIndex((f) => !f.value);
			const taken = fields.map((f) => f.value);
			const options = [...(fields[i] ?? fields[0]).options].map((o) => o.value).filter((v) => v && !taken.includes(v));
			type(fields[i] ?? fields[0], pick(options));
		} else if (fields.filter((f) => f.type === "text").length === 3) {
			["1980", "5", "17"].forEach((v, i) => type(fields[i], v));
		} else type(fields[0], wanted ?? (fields[0].inputMode === "numeric" || fields[0].inputMode === "decimal" ? String(1 + Math.floor(Math.random() * 3)) : "答 " + Math.floor(Math.random() * 1000)));
		const values = readField(name);
		if (JSON.stringify(values) === was) return;
		const page = pageKey();
		await until("the answer to be saved", () => saved() > before || pageKey() !== page);
		say({kind: "saved", wave: here().wave, case: here().id, key: name, values, from: before + 1, to: saved()});
	};
	const pageKey = () => one(".paper > *")?.dataset.key ?? "";

	const steps = {
		async unlock() {
			type(one("input[name=pin]"), window.pin);
			await until("the PIN to be allowed", () => !button("unlock").disabled);
			await press("unlock");
		},
		async work() {
			await until("the list", () => one("#list"));
			const cards = all("#list [data-do=case]");
			const next = cards.find((c) => c.querySelector(".standing")?.dataset?.open) ?? cards.find((c) => window.wanted?.includes(c.dataset.case) ?? true);
			if (!next) return "done";
			next.click();
			await until("the case", () => screen() === "case" && ready());
		},
		async case() {
			const selected = one("[data-selected] .person")?.textContent;
			if (selected) persons[here().id] = {sex: selected.includes("女") ? "woman" : "man", age: selected.match(/(\d+) 岁/)[1]};
			const attempts = Number(all("main dl.statutory dd").pop().textContent);
			if (button("listing") && !one("[data-selected]")) {
				if (attempts === 0 && Math.random() < 0.5) return press("attempt");
				return press("listing");
			}
			if (one("[data-selected]") && Math.random() < 0.1 && button("listing") && !one("[data-relisted]") && window.relist) {
				window.relist = false;
				return press("listing");
			}
			if (button("resume")) return press("resume");
			if (button("interview")) return press("interview");
			await press("back");
		},
		async attempt() {
			const outcome = one("select[name=outcome]");
			if (!outcome.value) type(outcome, "nobody-home");
			const before = saved();
			await press("save");
			say({kind: "attempt", wave: here().wave, case: here().id, to: saved()});
			if (saved() <= before) throw new Error("an attempt was not saved");
		},
		async listing() {
			if (one("[data-selected]")) { // the roster is corrected: one more person
				type(one("select[name=sex4]"), "man");
				type(one("input[name=age4]"), "81");
				one("input[name=eligible4]").click();
				return press("select");
			}
			const n = 1 + Math.floor(Math.random() * 3);
			for (let i = 1; i <= n; i++) {
				type(one(`select[name=sex${i}]`), pick(["man", "woman"]));
				type(one(`input[name=age${i}]`), String(18 + Math.floor(Math.random() * 50)));
				const box = one(`input[name=eligible${i}]`);
				if (!box.checked) box.click();
			}
			one(`input[name=opener][value="${1 + Math.floor(Math.random() * n)}"]`).click();
			const people = {};
			for (let i = 1; i <= n; i++) people[i] = {sex: one(`select[name=sex${i}]`).value, age: one(`input[name=age${i}]`).value};
			await press("select");
			const line = one("[data-selected]")?.dataset.selected;
			say({kind: "selected", wave: here().wave, case: here().id, line: Number(line), person: people[line], to: saved()});
		},
		async consent() {
			const agreed = one("input[name=agreed]");
			if (agreed && !agreed.checked) agreed.click();
			await press("start");
		},
		async interview() {
			const page = pageKey();
			const names = () => [...new Set(all("[name]", one(".paper")).map((f) => f.name))];
			const done = new Set();
			for (let tries = 0; tries < 300; tries++) {
				const wrong = new Set(all(".item.wrong, .row.wrong", one(".paper")).flatMap((w) => all("[name]", w).map((f) => f.name)));
				const open = names().find((n) => !done.has(n) && (readField(n).length === 0 || wrong.has(n)));
				if (!open || pageKey() !== page) break;
				const before = readField(open).length;
				await answer(open);
				const selects = all(`select[name="${CSS.escape(open)}"]`, one(".paper"));
				if (selects.length === 0 || readField(open).length === before || selects.every((s) => s.value)) done.add(open);
			}
			if (window.breakOff && Math.random() < 0.02) {
				window.breakOff = false;
				await press("break-off");
				await press("confirm");
				say({kind: "broken off", wave: here().wave, case: here().id});
				return;
			}
			const from = saved();
			button("next").click();
			await until("the next page", () => screen() !== "interview" || pageKey() !== page || saved() > from && one("#notice"));
		},
		async finish() {
			const {wave, id} = here();
			await press("finish");
			say({kind: "finished", wave, case: id, to: saved()});
		},
	};

	window.unlockIt = async () => {
		await until("a screen", () => screen() !== "" && ready());
		const {lost} = document.documentElement.dataset;
		if (lost && !window.told) say({kind: "lost", key: lost});
		window.told = true;
		if (screen() === "unlock") await steps.unlock();
	};

	// stepOnce does what is next on the screen.
	window.stepOnce = async () => {
		await until("a screen", () => ready());
		await steps[screen()]();
	};

	// work does everything there is to do.
	window.work = async () => {
		await window.unlockIt();
		for (;;) {
			await until("a screen", () => ready());
			const step = steps[screen()];
			if (!step) {
				location.hash = "#/work";
				await until("the list of cases", () => screen() === "work");
				continue;
			}
			if (await step() === "done") break;
			await sleep(Math.random() * (window.pause ?? 0));
		}
		say({kind: "done"});
	};

	// send sends until the office has everything, and says so.
	window.send = async (tries) => {
		await window.unlockIt();
		for (let n = 0; n < tries; n++) {
			location.hash = "#/checkin";
			await until("the check-in", () => screen() === "checkin" && ready());
			button("checkin-now").click();
			await until("the check-in to end", () => !button("checkin-now")?.disabled && (one("[data-checkin]") || one("#notice")));
			if (one("[data-checkin=done]")) return one("[data-checkin=done]").textContent;
			await sleep(200);
		}
		return "";
	};
})();
