// Bundles the tests and runs them with Node's own runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "tablet"));
try {
  const entryPoints = readdirSync(join(here, "test")).filter((n) => n.endsWith(".test.ts")).map((n) => join(here, "test", n));
  await build({ entryPoints, bundle: true, platform: "node", format: "esm", outdir: dir, outExtension: { ".js": ".mjs" }, target: "node20", external: ["node:*"], define: { ENGINE: '"test"', FORM_WASM: '"test.wasm"', COPY: '"copy.js"' } });
  const run = spawnSync(process.execPath, ["--test", ...readdirSync(dir).map((n) => join(dir, n))], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(dir, { recursive: true });
}
