// Evaluates XPath for xpath_test.go. Standard input holds one JSON array for each
// line: an XML document, then expressions; standard output has one array of results
// for each, [type, text]. The folder SUYANG_XPATH has the npm packages jsdom,
// temporal-polyfill and @getodk/xpath, which is what ODK Web Forms runs.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { createInterface } from "node:readline";

const folder = process.env.SUYANG_XPATH;
const require = createRequire(join(folder, "package.json"));
const { JSDOM } = require("jsdom");
const dom = new JSDOM("");
const parser = new dom.window.DOMParser();

// What @getodk/xpath expects of a browser.
for (const name of ["Node", "Document", "Element", "XPathResult", "Attr", "Text", "XMLDocument", "DOMParser",
  "NodeList", "HTMLElement", "XMLSerializer", "CDATASection", "Comment", "ProcessingInstruction"]) {
  globalThis[name] ??= dom.window[name];
}
globalThis.document = dom.window.document;
globalThis.__dirname = folder;
globalThis.require = require;
const module = join(folder, "node_modules/@getodk/xpath/dist/index.js");
const { XFormsXPathEvaluator, DEFAULT_DOM_ADAPTER: domAdapter } = await import(pathToFileURL(module).href);

function evaluate(evaluator, doc, source) {
  const r = evaluator.evaluate(source, doc, null, 0);
  if (r.resultType === 3) return ["bool", String(r.booleanValue)];
  if (r.resultType === 1) return ["number", String(r.numberValue)];
  return ["string", evaluator.evaluate(source, doc, null, 2).stringValue];
}

for await (const line of createInterface({ input: process.stdin })) {
  const [xml, ...sources] = JSON.parse(line);
  const doc = parser.parseFromString(xml, "text/xml");
  const evaluator = new XFormsXPathEvaluator({
    rootNode: doc,
    domAdapter,
    itextTranslationsByLanguage: new Map(),
    secondaryInstancesById: new Map(),
  });
  const results = sources.map((source) => {
    try {
      return evaluate(evaluator, doc, source);
    } catch (e) {
      return ["error", String(e)];
    }
  });
  console.log(JSON.stringify(results));
}
