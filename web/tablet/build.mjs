// Builds dist/, the files that the server gives out under /tablet/. FORM_WASM names a form
// engine that was built already; otherwise it is built here.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, crc32, deflateSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const dist = join(here, "dist");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const go = (args, env = {}) => execFileSync("go", args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] }).toString().trim();

function engine() {
  if (process.env.FORM_WASM) return readFileSync(process.env.FORM_WASM);
  const dir = mkdtempSync(join(tmpdir(), "form"));
  try {
    const file = join(dir, "form.wasm");
    go(["build", "-trimpath", "-ldflags=-s -w", "-o", file, "./cmd/formwasm"], { GOOS: "js", GOARCH: "wasm" });
    return readFileSync(file);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function bundle(entry, format, define = {}) {
  const result = await build({
    absWorkingDir: here, entryPoints: [entry], bundle: true, minify: true, write: false, format, target: "es2020", charset: "utf8", legalComments: "none",
    define: Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])),
  });
  return Buffer.from(result.outputFiles[0].contents);
}

// icon draws a bar chart on the colour of the app, as PNG. A maskable one keeps clear of
// the margin that may be cut off.
function icon(size, maskable) {
  const pixels = Buffer.alloc(size * (size * 3 + 1));
  const unit = size / 24;
  const inset = maskable ? 6.5 : 5;
  const bars = [[0, 0.45], [1, 0.7], [2, 1]].map(([i, height]) => {
    const width = (24 - 2 * inset) / 3.8;
    const left = inset + i * width * 1.4;
    return [left, left + width, 24 - inset - (24 - 2 * inset) * height, 24 - inset];
  });
  for (let y = 0; y < size; y++) {
    const row = y * (size * 3 + 1);
    for (let x = 0; x < size; x++) {
      const [ux, uy] = [(x + 0.5) / unit, (y + 0.5) / unit];
      const ink = bars.some(([l, r, t, b]) => ux >= l && ux < r && uy >= t && uy < b);
      pixels.set(ink ? [255, 255, 255] : [11, 90, 111], row + 1 + x * 3);
    }
  }
  const chunk = (type, data) => {
    const out = Buffer.alloc(data.length + 12);
    out.writeUInt32BE(data.length, 0);
    out.write(type, 4, "latin1");
    data.copy(out, 8);
    out.writeUInt32BE(crc32(out.subarray(4, data.length + 8)), data.length + 8);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(pixels, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

mkdirSync(dist, { recursive: true });
const made = new Set([".keep"]);

// write puts a file into dist, with its compressed forms beside it. Those of a file that is
// there already, byte for byte, are kept.
function write(name, bytes) {
  const file = join(dist, name);
  const same = existsSync(file) && readFileSync(file).equals(bytes);
  if (!same) writeFileSync(file, bytes);
  made.add(name);
  if (/\.png$/.test(name)) return;
  const pack = (ending, compress) => {
    const packed = file + ending;
    if (!same || !existsSync(packed)) {
      writeFileSync(packed + ".new", compress(bytes));
      renameSync(packed + ".new", packed);
    }
    made.add(name + ending);
  };
  pack(".br", (b) => brotliCompressSync(b, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: b.length } }));
  pack(".gz", (b) => gzipSync(b, { level: 9 }));
}

const hashed = (name, ending, bytes) => `${name}.${sha256(bytes).slice(0, 12)}.${ending}`;

const wasm = engine();
const exec = readFileSync(join(go(["env", "GOROOT"]), "lib", "wasm", "wasm_exec.js"));
const css = await bundle("src/style.css", undefined);
const wasmName = hashed("form", "wasm", wasm);
const copy = await bundle("src/copyworker.ts", "iife");
const copyName = hashed("copy", "js", copy);
const js = await bundle("src/main.ts", "iife", { FORM_WASM: wasmName, COPY: copyName, ENGINE: sha256(wasm) });

const files = new Map([[wasmName, wasm], [copyName, copy], [hashed("wasm_exec", "js", exec), exec], [hashed("app", "css", css), css], [hashed("app", "js", js), js]]);
const named = (start, ending) => [...files.keys()].find((n) => n.startsWith(start + ".") && n.endsWith("." + ending));
files.set("icon-192.png", icon(192, false));
files.set("icon-512.png", icon(512, false));
files.set("icon-maskable-512.png", icon(512, true));
files.set("manifest.webmanifest", Buffer.from(JSON.stringify({
  id: "/tablet", name: "素养 Suyang", short_name: "素养", lang: "zh-Hans", start_url: "/tablet", scope: "/tablet", display: "standalone", background_color: "#f3f5f6", theme_color: "#0b5a6f",
  icons: [
    { src: "/tablet/icon-192.png", sizes: "192x192", type: "image/png" },
    { src: "/tablet/icon-512.png", sizes: "512x512", type: "image/png" },
    { src: "/tablet/icon-maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
  ],
}, null, 1) + "\n"));

const frame = readFileSync(join(here, "src", "index.html"), "utf8").replace("{css}", named("app", "css")).replace("{js}", named("app", "js")).replace("{exec}", named("wasm_exec", "js"));
const id = sha256(frame + [...files].map(([name, bytes]) => name + " " + sha256(bytes) + "\n").join("")).slice(0, 16);
files.set("index.html", Buffer.from(frame.replace("{build}", id)));
const list = [...files].map(([name, bytes]) => [name === "index.html" ? "/tablet" : "/tablet/" + name, sha256(bytes)]);
files.set("sw.js", await bundle("src/sw.ts", "iife", { BUILD: id, FILES: list }));

for (const [name, bytes] of files) write(name, bytes);
for (const name of readdirSync(dist)) if (!made.has(name)) rmSync(join(dist, name), { recursive: true });

const weight = (name) => statSync(join(dist, existsSync(join(dist, name + ".gz")) ? name + ".gz" : name)).size;
const shell = [...files.keys()].filter((n) => n !== wasmName).reduce((sum, n) => sum + weight(n), 0);
console.log(`build ${id}: shell ${(shell / 1024).toFixed(1)} KiB gzip, engine ${(statSync(join(dist, wasmName + ".br")).size / 1024).toFixed(0)} KiB brotli`);
if (shell > 150 * 1024) throw new Error("the shell weighs more than 150 KiB");
