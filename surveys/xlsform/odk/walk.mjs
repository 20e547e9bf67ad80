// Fills XForms as ODK Web Forms does and says what is asked and what is complained of.
//
// Standard input is JSON: {forms: [{xml, language, cases: [[[path, [values…]]…]…]}…]}.
// Each case is a list of answers, given in this order to a new instance. Standard output
// is JSON: for each form its languages, the labels in the language asked for, and for
// each case the relevant rows and those whose constraint is not kept, by path.
import { createRequire } from 'node:module';
import { JSDOM } from 'jsdom';

const dom = new JSDOM('');
globalThis.__dirname = import.meta.dirname;
globalThis.require = createRequire(import.meta.url);
for (const name of ['window', 'document', 'DOMParser', 'XMLSerializer', 'Node', 'Element', 'Document', 'Attr', 'Text', 'CDATASection',
	'Comment', 'ProcessingInstruction', 'CharacterData', 'DocumentFragment', 'DocumentType', 'NamedNodeMap', 'NodeList', 'XPathResult', 'XPathExpression',
	'XPathEvaluator', 'XMLDocument', 'HTMLElement', 'Event', 'File', 'Blob', 'FormData']) {
	globalThis[name] = name === 'window' ? dom.window : dom.window[name];
}

const { loadForm } = await import('@getodk/xforms-engine');

const leaves = function* (node) {
	for (const child of node.currentState.children ?? []) {
		yield child;
		yield* leaves(child);
	}
};
const path = (node) => node.currentState.reference;

function answer(node, values) {
	switch (node.nodeType) {
		case 'select':
			return node.selectType === 'select1' ? node.selectValue(values[0] ?? null) : node.selectValues(values);
		case 'rank':
			return node.setValues(values);
		case 'input':
			switch (node.valueType) {
				case 'int':
					return node.setValue(values.length ? BigInt(values[0]) : '');
				case 'decimal':
					return node.setValue(values.length ? Number(values[0]) : '');
				default:
					return node.setValue(values[0] ?? '');
			}
	}
	throw new Error(`${path(node)} is a ${node.nodeType} and takes no answer`);
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const out = [];
for (const { xml, language, cases } of JSON.parse(input).forms) {
	const form = await loadForm(xml);
	if (form.status === 'failure') throw form.error;
	const result = { languages: null, labels: {}, cases: [] };
	for (const [n, answers] of [[], ...(cases ?? [])].entries()) {
		const { root } = form.createInstance();
		result.languages ??= root.languages.map((l) => l.language);
		const wanted = root.languages.find((l) => l.language === language);
		if (wanted == null) throw new Error(`the form has no language ${language}`);
		if (language !== '') root.setLanguage(wanted); // '' is a form without languages
		let nodes = new Map();
		for (const [at, values] of answers) {
			if (!nodes.has(at)) nodes = new Map([...leaves(root)].map((n) => [path(n), n]));
			const node = nodes.get(at);
			if (node == null) throw new Error(`there is no ${at}`);
			answer(node, values);
		}
		const one = { relevant: [], violated: [], values: {}, options: {} };
		for (const node of leaves(root)) {
			if (node.currentState.relevant) one.relevant.push(path(node));
			if (node.validationState.constraint?.valid === false) one.violated.push(path(node));
			const v = node.currentState.instanceValue;
			if (v != null && v !== '') one.values[path(node)] = String(v);
			if (node.nodeType === 'select' || node.nodeType === 'rank') one.options[path(node)] = node.currentState.valueOptions.map((o) => o.value);
		}
		if (n === 0) {
			for (const node of leaves(root)) {
				const label = node.currentState.label?.asString;
				if (label) result.labels[path(node)] = label;
			}
			continue;
		}
		result.cases.push(one);
	}
	out.push(result);
}
process.stdout.write(JSON.stringify(out), () => process.exit(0));
